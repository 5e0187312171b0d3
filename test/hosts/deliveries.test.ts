// One suite for every way of delivery: HTTP on both hosts, Event Grid, and a Storage queue that the forwarder's own sink writes to.
import { CloudEvent, type CloudEventV1 } from 'cloudevents';
import type { WebsiteEvent } from '../../infra/forwarder/event.ts';
import { storageQueueSink } from '../../infra/forwarder/sink/storage-queue.ts';
import { ACCOUNT_KEY, startAzurite } from '../azurite.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';
import type { Invoked } from './azure-worker.ts';
import { describeDeliveries, type Way } from './deliveries.ts';
import { drain } from './queue-listener.ts';

const WORKER = 'test/hosts/azure-worker.ts';
/** The number of tries, which is more than any test needs. */
const PATIENCE = 30;

const urlOf = async (program: Program): Promise<string> => String((await program.line('Listening'))['url']);

/** Tries again after each failure. @param attempt resolves to its result. */
async function tryAgain(attempt: () => Promise<'taken' | 'set aside' | 'failed'>) {
  for (let tries = 1; tries <= PATIENCE; tries++) {
    const end = await attempt();
    if (end !== 'failed') return { end, tries };
  }
  return { end: 'set aside', tries: PATIENCE } as const;
}

async function overHttp(program: Program): Promise<Way> {
  const url = await urlOf(program);
  return {
    deliver: (event) =>
      tryAgain(async () => {
        const headers = { 'content-type': 'application/cloudevents+json' };
        const { status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) });
        if (status < 300) return 'taken';
        return status === 400 || status === 415 ? 'set aside' : 'failed';
      }),
    stop: async () => void (await program.stop()),
  };
}

/** Runs a function of the Azure host. @returns its error, if there is one. */
async function invoke(program: Program, name: string, request: object): Promise<string | undefined> {
  const url = new URL(`invoke/${name}`, await urlOf(program));
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(request) });
  return ((await response.json()) as Invoked).error;
}

function throughEventGrid(settings: Record<string, string>): Way {
  const program = startProgram(WORKER, [], settings);
  return {
    deliver: (event) =>
      tryAgain(async () => {
        const data = { string: JSON.stringify(event, undefined, 2) };
        const error = await invoke(program, 'reconcileWebsiteFromEventGrid', { data, triggerMetadata: {} });
        return error === undefined ? 'taken' : 'failed';
      }),
    stop: async () => void (await program.stop()),
  };
}

async function throughQueue(settings: Record<string, string>): Promise<Way> {
  const azurite = await startAzurite();
  const queue = await azurite.createQueue('websites');
  const poison = await azurite.createQueue('websites-poison');
  const sink = storageQueueSink({ kind: 'storage-queue', url: azurite.urlOf('websites'), accountKey: ACCOUNT_KEY });
  const program = startProgram(WORKER, [], { ...settings, EVENTS_QUEUE: 'websites' });
  return {
    async deliver(event: CloudEventV1<unknown>) {
      // The forwarder sends only valid events. This test also sends invalid ones.
      await sink.send(new CloudEvent(event, false) as WebsiteEvent, 5_000);
      const tries = await drain(queue, poison, (request) => invoke(program, 'reconcileWebsiteFromQueue', request));
      const { receivedMessageItems } = await poison.receiveMessages();
      for (const { messageId, popReceipt } of receivedMessageItems) await poison.deleteMessage(messageId, popReceipt);
      return { end: receivedMessageItems.length === 0 ? 'taken' : 'set aside', tries };
    },
    async stop() {
      await Promise.all([program.stop(), azurite.stop()]);
    },
  };
}

describeDeliveries('to the Node host', (settings) => overHttp(startFunctions(settings)));
describeDeliveries('to the HTTP function on Azure', (settings) => overHttp(startProgram(WORKER, [], settings)));
describeDeliveries('through Event Grid', async (settings) => throughEventGrid(settings));
describeDeliveries('through a Storage Queue', throughQueue);
