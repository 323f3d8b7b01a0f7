// The command line: finds the verb, loads only its code, and turns what went wrong into one sentence and an
// exit code: 1 for failures, 2 for commands that were not right.
import { Command, CommanderError } from "commander";
import { daybookVersion } from "../config/version.ts";
import { DaybookError, type DaybookErrorCode, nativeCode } from "../event/errors.ts";

export interface Verb {
  readonly name: string;
  readonly about: string;
  readonly load: () => Promise<Command>;
}

/** All verbs, in the order of the help and of docs/reference/cli.md. */
export const VERBS: readonly Verb[] = [
  {
    name: "serve",
    about: "Run the gateway.",
    load: async () => (await import("./serve.ts")).serveCommand(),
  },
  {
    name: "log",
    about: "Show the audit trail, newest first.",
    load: async () => {
      const [{ logCommand }, { lag }] = await Promise.all([import("./log.ts"), import("./lag.ts")]);
      return logCommand({
        ...(await surroundings()),
        out: process.stdout,
        err: process.stderr,
        now: Date.now,
        lag,
      });
    },
  },
  {
    name: "export",
    about: "Write events to a file: JSON, CSV, Parquet, OCSF, ECS.",
    load: async () => (await import("./export.ts")).exportCommand(await adminParts()),
  },
  {
    name: "report",
    about: "What a year, month or day was like, in numbers.",
    load: async () => (await import("./report.ts")).reportCommand(await adminParts()),
  },
  {
    name: "schedules",
    about: "Scheduled exports: list, create, change and run them.",
    load: async () => (await import("./schedules.ts")).schedulesCommand(await adminParts()),
  },
  {
    name: "stats",
    about: "Sums over the audit trail.",
    load: async () => (await import("./stats.ts")).statsCommand(await adminParts()),
  },
  {
    name: "sessions",
    about: "What was done in each session, the latest first.",
    load: async () => (await import("./activity.ts")).sessionsCommand(await adminParts()),
  },
  {
    name: "console",
    about: "Show another Daybook's trail on this machine.",
    load: async () => (await import("./console.ts")).consoleCommand(await surroundings()),
  },
  {
    name: "users",
    about: "Users: list, create, change and delete them; what they did.",
    load: async () => (await import("./users.ts")).usersCommand(await adminParts()),
  },
  {
    name: "tokens",
    about: "Tokens for the API: list, create and revoke them.",
    load: async () => (await import("./tokens.ts")).tokensCommand(await adminParts()),
  },
  {
    name: "keys",
    about: "API keys: list, create, rotate and revoke them.",
    load: async () => (await import("./keys.ts")).keysCommand(await adminParts()),
  },
  {
    name: "limits",
    about: "Limits of keys and users: show, set and remove them.",
    load: async () => (await import("./limits.ts")).limitsCommand(await adminParts()),
  },
  {
    name: "credits",
    about: "Credit of users: show, grant, adjust and reverse it.",
    load: async () => (await import("./credits.ts")).creditsCommand(await adminParts()),
  },
  {
    name: "providers",
    about: "Providers: list, create, change, delete and try them.",
    load: async () => (await import("./providers.ts")).providersCommand(await adminParts()),
  },
  {
    name: "routes",
    about: "Routes: list, create, replace, delete and resolve them.",
    load: async () => (await import("./routes.ts")).routesCommand(await adminParts()),
  },
  {
    name: "policy",
    about: "Policies: list, add, replace, remove and try them.",
    load: async () => (await import("./policy.ts")).policyCommand(await adminParts()),
  },
  {
    name: "models",
    about: "Models: list, sync, load and unload them.",
    load: async () => (await import("./models.ts")).modelsCommand(await adminParts()),
  },
  {
    name: "mcp",
    about: "MCP servers: list and change them; wrap one over stdio.",
    load: async () => (await import("./mcp.ts")).mcpCommand(await adminParts()),
  },
  {
    name: "doctor",
    about: "Check the data folder and the machine; change nothing.",
    load: async () => {
      const [{ doctorCommand }, { thisMachine }] = await Promise.all([
        import("./doctor.ts"),
        import("./doctor/machine.ts"),
      ]);
      return doctorCommand({
        ...(await surroundings()),
        out: process.stdout,
        err: process.stderr,
        machine: thisMachine,
      });
    },
  },
  {
    name: "prune",
    about: "Remove events that are older than retention keeps them.",
    load: async () =>
      (await import("./prune.ts")).pruneCommand({
        ...(await surroundings()),
        out: process.stdout,
        now: Date.now,
      }),
  },
  {
    name: "hold",
    about: "Legal holds: add, list and release them.",
    load: async () => (await import("./hold.ts")).holdCommand(await adminParts()),
  },
  {
    name: "erase",
    about: "Erase a person's data; what was recorded still verifies.",
    load: async () => (await import("./erase.ts")).eraseCommand(await adminParts()),
  },
  {
    name: "backup",
    about: "Copy the data folder, while Daybook runs or not.",
    load: async () =>
      (await import("./backup.ts")).backupCommand({ ...(await surroundings()), out: process.stdout }),
  },
  {
    name: "journal",
    about: "Inspect the journal's files, or ship them.",
    load: async () => {
      const { journalCommand } = await import("./journal.ts");
      return journalCommand({
        ...(await surroundings()),
        out: process.stdout,
        err: process.stderr,
        now: Date.now,
      });
    },
  },
  {
    name: "verify",
    about: "Check that events are what was recorded and sealed.",
    load: async () => {
      const { verifyCommand } = await import("./verify.ts");
      return verifyCommand({
        ...(await surroundings()),
        out: process.stdout,
        err: process.stderr,
        now: Date.now,
      });
    },
  },
  {
    name: "proof",
    about: "Write the proof that an event was recorded and sealed.",
    load: async () => {
      const { proofCommand } = await import("./proof.ts");
      return proofCommand({ ...(await surroundings()), out: process.stdout, now: Date.now });
    },
  },
  {
    name: "completion",
    about: "Complete verbs and options in a shell.",
    load: async () =>
      (await import("./completion.ts")).completionCommand({
        out: process.stdout,
        verbs: () => Promise.all(VERBS.map(({ load }) => load())),
      }),
  },
  {
    name: "replay",
    about: "Send recorded traffic through a running gateway.",
    load: async () => {
      const { env } = await surroundings();
      return (await import("./replay.ts")).replayCommand({ apiKey: env.DAYBOOK_API_KEY });
    },
  },
  {
    name: "simulate",
    about: "Run the simulated provider on its own.",
    load: async () => (await import("./simulate.ts")).simulateCommand(),
  },
];

const WRONG_COMMANDS: ReadonlySet<DaybookErrorCode> = new Set(["bad_argument", "bad_query"]);
const WRONG = 2;

/** Runs the command of `argv` (as process.argv has it), and sets the exit code when it fails. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on("error", (error) => {
    if (nativeCode(error) === "EPIPE") process.exit();
    throw error;
  });
  const program = new Command("daybook")
    .description("One trustworthy audit trail of all AI traffic.")
    .version(daybookVersion())
    .exitOverride();
  for (const { name, about, load } of VERBS) {
    const verb = argv.includes(name) ? await load() : new Command(name).description(about);
    program.addCommand(verb.copyInheritedSettings(program));
  }
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // Commander has said what it had to say.
    if (error instanceof DaybookError) process.stderr.write(`${error.message}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof DaybookError) return WRONG_COMMANDS.has(error.code) ? WRONG : 1;
  // `commander.error` is how a verb fails by itself; every other failure is about how it was called.
  if (error instanceof CommanderError)
    return error.exitCode === 0 || error.code === "commander.error" ? error.exitCode : WRONG;
  throw error;
}

async function surroundings() {
  const [{ readEnvironment }, { homedir }] = await Promise.all([
    import("../config/environment.ts"),
    import("node:os"),
  ]);
  return { env: readEnvironment(), cwd: process.cwd(), homedir: homedir() };
}

async function adminParts() {
  const { stdin, stdout: out, stderr: err } = process;
  return { ...(await surroundings()), stdin, out, err, now: Date.now };
}
