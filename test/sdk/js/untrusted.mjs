// Run without the CA: no client may talk to the service.
import { CommunicationIdentityClient } from "@azure/communication-identity";
import { config } from "./suite.mjs";

const client = new CommunicationIdentityClient(config.connectionString, { retryOptions: { maxRetries: 0 } });
try {
  await client.createUser();
  console.log("a user was created");
  process.exitCode = 1;
} catch (error) {
  if (!/certificate|self-signed|unable to verify/i.test(`${error.message} ${error.cause?.message}`)) {
    console.log(error);
    process.exitCode = 1;
  }
}
