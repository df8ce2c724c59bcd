// A queue of npm's bullmq, worked off by one worker: node bullmq_session.js NODE_MODULES PORT JOBS
const path = require("node:path");
const [, , modules, port, jobs] = process.argv;
const { Queue, Worker } = require(path.join(modules, "bullmq"));

async function session() {
  const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
  const queue = new Queue("mail", { connection });
  const numbers = [...Array(Number(jobs)).keys()];
  await queue.addBulk(
    numbers.map((n) => ({
      name: "send",
      data: { n },
      opts: { jobId: `job${n}`, ...(n % 50 === 7 ? { priority: 2 } : {}) },
    })),
  );
  let left = numbers.length;
  await new Promise((resolve, reject) => {
    const worker = new Worker(
      "mail",
      async (job) => {
        if (job.data.n % 100 === 3) throw new Error("cannot be sent");
        return job.data.n;
      },
      { connection, drainDelay: 1 },
    );
    const ended = async () => {
      left -= 1;
      if (left === 0) {
        await worker.close();
        resolve();
      }
    };
    worker.on("completed", ended);
    worker.on("failed", ended);
    worker.on("error", reject);
  });
  await queue.close();
}

session().catch((error) => {
  console.error(error);
  process.exit(1);
});
