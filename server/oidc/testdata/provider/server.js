// An OpenID Connect issuer on a free port of loopback. It prints its URL, and
// ends when its standard input does. A line on its input rotates its keys: the
// issuer starts again on the same port with fresh ones.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

function key() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function provider(issuer) {
  return new Provider(issuer, {
    jwks: { keys: [key()] },
    clients: [{
      client_id: 'back-end', client_secret: 'test-only-secret', grant_types: ['client_credentials'],
      redirect_uris: [], response_types: [],
    }],
    scopes: ['service'],
    ttl: { ClientCredentials: 300 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) => ({
          scope: 'service', audience: resource, accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ roles: ['Calls.Manage'], tid: '7a1f0c0e-0000-4000-8000-000000000001', oid: '7a1f0c0e-0000-4000-8000-000000000002' }),
  });
}

let handler;
const server = createServer((request, response) => handler(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handler = provider(issuer).callback();
  console.log(issuer);
  const input = createInterface({ input: process.stdin });
  input.on('line', () => {
    handler = provider(issuer).callback();
    console.log('rotated');
  });
  input.on('close', () => process.exit(0));
});
