// A certified implementation of OpenID Connect with pages of its own, for the tests to sign in at.
// Takes the address to return to and the client's secret from its environment; prints its issuers:
// the first tells groups on demand, the second in the ID token.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const groupsOf = (login) => (login === "stranger" ? ["lunch"] : ["lunch", login]);

const configuration = (conformIdTokenClaims) => ({
  clients: [
    {
      client_id: "ledger",
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: [process.env.RETURN_TO],
    },
  ],
  claims: { profile: ["preferred_username", "groups"] },
  conformIdTokenClaims,
  cookies: { keys: ["of the tests"] },
  pkce: { required: () => true },
  findAccount: (_, login) => ({
    accountId: login,
    claims: () => ({ sub: login, preferred_username: `${login} of the provider`, groups: groupsOf(login) }),
  }),
});

const started = (conformIdTokenClaims) =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const issuer = `http://127.0.0.1:${server.address().port}`;
      server.on("request", new Provider(issuer, configuration(conformIdTokenClaims)).callback());
      resolve(issuer);
    });
  });

console.log(`issuers ${await started(true)} ${await started(false)}`);
