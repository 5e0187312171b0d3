import { expect, it } from 'vitest';
import { configFrom } from '../../../infra/forwarder/config.ts';
import { isMetadataHost } from '../../../infra/forwarder/sink/metadata-address.ts';

it.each([
  '169.254.169.254',
  '169.254.170.2',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fe80::1%eth0',
  'febf::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
  '::ffff:169.254.169.254',
  '::ffff:a83f:8110',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '64:ff9b::169.254.169.254',
  '64:ff9b::6464:64c8',
  '64:ff9b:1::192.0.0.192',
  '64:ff9b:1:fffe::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '2002:a83f:8110:1:2:3:4:5',
  // 169.254.169.254 with each bit inverted.
  '2001:0:cb00:7101::5601:5601',
  '2001:db8::5efe:169.254.169.254',
  '2001:db8::200:5efe:a9fe:a9fe',
])('The metadata address %s is refused as a sink, in the setting and after name resolution', (address) => {
  expect(isMetadataHost(address)).toBe(true);
  if (address.includes('%')) return;
  const url = `https://${address.includes(':') ? `[${address}]` : address}/queue`;
  expect(() => configFrom(['--sink', url, '--insecure-sink'], {})).toThrow('a link-local or metadata address');
});

it.each([
  '127.0.0.1',
  '10.0.0.1',
  '169.253.255.255',
  '169.255.0.0',
  '168.63.129.17',
  '100.100.100.201',
  '::1',
  '::',
  '::ffff:10.0.0.1',
  '64:ff9b::203.0.113.1',
  '64:ff9b:2::a9fe:a9fe',
  '2002:cb00:7101::a9fe:a9fe',
  '2001:db8::a9fe:a9fe',
  'fd00:ec3::254',
  'fec0::1',
])('The address %s is allowed as a sink', (address) => expect(isMetadataHost(address)).toBe(false));
