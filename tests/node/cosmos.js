// Cosmos DB's emulator on this machine alone: its command listens to the whole network.
// Prints its port; ends when the input does, so with the test that started it.
const { createHttpServer } = require("@vercel/cosmosdb-server");

const server = createHttpServer({ keepAlive: true });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());
