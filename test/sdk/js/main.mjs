// Runs the checks of all packages; PARLEY_SDK names the runner's configuration.
import administration from "./administration.mjs";
import arm from "./arm.mjs";
import chat from "./chat.mjs";
import common from "./common.mjs";
import identity from "./identity.mjs";
import released from "./released.mjs";
import { finish } from "./suite.mjs";

await identity();
await common();
await administration();
await arm();
await chat();
await released();
finish();
