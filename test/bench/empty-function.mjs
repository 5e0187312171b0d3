// A function that does nothing, to compare a cold start on Azure with.
import { app } from '@azure/functions';

app.http('reconcileWebsite', {
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async () => ({ status: 204 }),
});
