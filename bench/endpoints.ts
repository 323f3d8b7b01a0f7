// Every inference endpoint under load, beside the bare pipe proxy: whether any of them costs more than chat does.

import { measured } from "./gateway.ts";
import { type Bench, interleave, number } from "./harness.ts";
import { cannedAnswer, cannedName, ENDPOINTS, type Endpoint } from "./load/endpoints.ts";
import { type Asked, loadVersions, openUpstream } from "./load/load.ts";
import { openDaybook, openPipe, openTargets, type Target } from "./targets/targets.ts";

const CONNECTIONS = 32;
const [CHAT] = ENDPOINTS;

export const bench: Bench = {
  name: "endpoints",
  async run({ quick, rounds, say }) {
    await using upstream = await openUpstream(50, 10, ENDPOINTS.map(cannedAnswer));
    const [pipe, daybook] = [await openPipe(upstream), await openDaybook(upstream, "open")];
    await using _targets = openTargets([pipe, daybook]);
    const seconds = quick ? 1 : 2;
    const cases = ENDPOINTS.flatMap((endpoint) =>
      [daybook, pipe].map((target) => ({
        name: caseOf(target, endpoint),
        turn: () => measured(target, asked(target, endpoint), CONNECTIONS, seconds),
      })),
    );
    const results = await interleave(cases, { rounds, say });
    const rows = ENDPOINTS.map((endpoint) => {
      const [own, bare] = [caseOf(daybook, endpoint), caseOf(pipe, endpoint)];
      const chat = caseOf(daybook, CHAT as Endpoint);
      return {
        endpoint,
        rate: results.median(own, "requests/s"),
        micros: results.median(own, "cpu µs"),
        againstPipe: results.ratio(own, bare, "requests/s"),
        againstChat: results.ratio(own, chat, "cpu µs"),
      };
    });
    const whole = rows.filter(({ endpoint }) => endpoint.contentType === "application/json");
    return {
      versions: loadVersions(),
      targets: [
        {
          what: "CPU of the costliest endpoint with a JSON answer, against chat's",
          measured: Math.max(...whole.map(({ againstChat }) => againstChat)),
          least: 1.2,
          goal: 1.05,
          better: "less",
          unit: "×",
        },
        {
          what: "throughput of the slowest of them against the bare pipe proxy on the same answer",
          measured: Math.min(...whole.map(({ againstPipe }) => againstPipe)),
          least: 1,
          goal: 1.3,
          better: "more",
          unit: "×",
        },
      ],
      tables: [
        {
          caption: `${CONNECTIONS} connections, Daybook, open; streams of 50 events come at once`,
          head: ["", "requests/s", "CPU µs/request", "throughput against the pipe", "CPU against chat's"],
          rows: rows.map(({ endpoint, rate, micros, againstPipe, againstChat }) => [
            endpoint.name,
            number(rate),
            number(micros),
            `${number(againstPipe)}×`,
            `${number(againstChat)}×`,
          ]),
        },
      ],
    };
  },
};

const caseOf = ({ name }: Target, endpoint: Endpoint) => `${name}: ${endpoint.name}`;

function asked(target: Target, endpoint: Endpoint): Asked {
  const { port, headers } = target.ask("json");
  const model = cannedName(endpoint);
  // The pipe passes the path on; Daybook goes by the model.
  const prefix = headers.authorization === undefined ? `/${model}` : "";
  return {
    port,
    headers,
    path: prefix + endpoint.path,
    body: JSON.stringify({ model, ...endpoint.request }),
  };
}
