// The gateway's table of providers and routes, as the catalog has them at any time. The built-in simulation is
// started when something first needs it.
import { accessSync, constants } from "node:fs";
import type { ProxySettings } from "../config/config.ts";
import type { Catalog } from "../control/catalog.ts";
import { Routes } from "../gateway/routes.ts";
import type { ProviderConfig } from "../gateway/upstream.ts";
import type { Provider } from "../providers/provider.ts";
import { openSimulator, type Simulator } from "../simulator/simulator.ts";

export interface ProviderTableOptions {
  readonly catalog: Catalog;
  readonly proxy: ProxySettings | null;
  /** Told of what cannot be used. */
  readonly report: (error: unknown, about: string) => void;
}

export class ProviderTable {
  /** What the gateway uses. */
  readonly routes: Routes;
  readonly #options: ProviderTableOptions;
  #simulator: Simulator | null = null;
  #starting: Promise<void> | null = null;
  #closed = false;

  /** Resolves when the table is as the catalog has it; then it follows every change. */
  static async open(options: ProviderTableOptions): Promise<ProviderTable> {
    const table = new ProviderTable(options);
    await table.#show();
    options.catalog.onChanged(() => void table.#show());
    return table;
  }

  private constructor(options: ProviderTableOptions) {
    this.#options = options;
    this.routes = new Routes([], [], options.proxy);
  }

  /** Whether answers of the built-in simulation can be had. */
  get simulated(): boolean {
    return this.#options.catalog.served.providers.some(isSimulated);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#starting?.catch(() => {});
    await this.routes.close();
    await this.#simulator?.close();
  }

  /** At once, unless the simulation has to be started for it. Never rejects. */
  async #show(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#simulator === null && this.simulated) await this.#startSimulator();
      const { providers, routes } = this.#options.catalog.served;
      this.routes.replace(
        providers.map((provider) => this.#configOf(provider)),
        routes,
      );
    } catch (error) {
      // What was served before goes on being served.
      this.#options.report(error, "providers");
    }
  }

  async #startSimulator(): Promise<void> {
    this.#starting ??= openSimulator({}).then((simulator) => {
      this.#simulator = simulator;
    });
    await this.#starting;
  }

  #configOf(provider: Provider): ProviderConfig {
    const baseUrl = provider.baseUrl ?? this.#simulator?.url ?? "";
    const { caFile } = provider;
    if (caFile === null) return { ...provider, baseUrl };
    try {
      accessSync(caFile, constants.R_OK);
      return { ...provider, baseUrl };
    } catch (error) {
      // Without it the provider is trusted less, never more.
      this.#options.report(error, "ca_file");
      return { ...provider, baseUrl, caFile: null };
    }
  }
}

function isSimulated({ baseUrl }: Provider): boolean {
  return baseUrl === null;
}
