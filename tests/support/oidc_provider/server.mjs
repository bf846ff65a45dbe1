// Starts oidc-provider on loopback, with its own login and consent pages.
//
//   node server.mjs '{"port": 40123, "clients": [...]}'
//
// Anybody may log in as anybody; what is said of them follows from the login name.

import Provider from 'oidc-provider';

const { port, clients } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients,
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  // Many providers put what they state into the ID token, so this one does.
  conformIdTokenClaims: false,
  cookies: { keys: ['only for tests'] },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@provider.example`, email_verified: true }),
  }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
});

const server = provider.listen(port, '127.0.0.1', () => console.log('ready'));

// The tests hold the other end of standard input; when they are gone, so is this.
process.stdin.resume();
process.stdin.on('end', () => server.close(() => process.exit(0)));
