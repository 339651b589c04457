// Calls of grpc-js to the service `Echo` (grpc_echo.py); what came of them is printed as JSON.
// node grpc_calls.cjs TARGET AUTHORITY [FILE OF THE AUTHORITY THAT IS BELIEVED]
const fs = require("node:fs");
const grpc = require("@grpc/grpc-js");

const [target, authority, believed] = process.argv.slice(2);
const soon = () => ({ deadline: Date.now() + 30_000 });
const client = new grpc.Client(
  target,
  believed
    ? grpc.credentials.createSsl(fs.readFileSync(believed))
    : grpc.credentials.createInsecure(),
  { "grpc.default_authority": authority, "grpc.ssl_target_name_override": authority },
);
const same = (bytes) => bytes;

const unary = (path, text) =>
  new Promise((resolve) => {
    const found = {};
    const call = client.makeUnaryRequest(
      path, same, same, Buffer.from(text), new grpc.Metadata(), soon(),
      (error, answer) => Object.assign(found, error
        ? { code: error.code, details: error.details }
        : { answer: answer.toString() }),
    );
    call.on("status", (status) => {
      found.behind = status.metadata.get("behind");
      setImmediate(resolve, found);
    });
  });

// Each message is asked when the one before it has been answered.
const both = (messages) =>
  new Promise((resolve) => {
    const came = [];
    const call = client.makeBidiStreamRequest("/Echo/Both", same, same, new grpc.Metadata(), soon());
    const next = () =>
      came.length < messages ? call.write(Buffer.from(String(came.length))) : call.end();
    call.on("data", (data) => {
      came.push(Number(data.toString()));
      next();
    });
    call.on("error", () => {}); // the status tells
    call.on("status", (status) => resolve({ code: status.code, came: came.length }));
    next();
  });

const late = () =>
  new Promise((resolve) => {
    const options = { deadline: Date.now() + 1000 };
    const call = client.makeServerStreamRequest(
      "/Echo/Wait", same, same, Buffer.alloc(0), new grpc.Metadata(), options,
    );
    call.on("data", () => {});
    call.on("error", () => {});
    call.on("status", (status) => resolve(status.code));
  });

(async () => {
  const found = {
    unary: await unary("/Echo/Unary", "hello"),
    large: (await unary("/Echo/Unary", "x".repeat(1_000_000))).answer?.length,
    failed: await unary("/Echo/Unary", "fail NOT_FOUND"),
    unknown: (await unary("/Echo/Nothing", "")).code,
    both: await both(50),
    late: await late(),
  };
  client.close();
  console.log(JSON.stringify(found));
})();
