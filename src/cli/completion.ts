// `daybook completion`: a script for a shell, which then completes verbs and options. It is made from the commands
// themselves, and asks nobody when it completes.
import type { Writable } from "node:stream";
import { Argument, Command } from "commander";

interface Word {
  readonly text: string;
  readonly about: string;
}

/** What may follow a command, by its path: `""` for daybook itself, `"users list"` for a verb of a verb. */
type Table = ReadonlyMap<string, readonly Word[]>;

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
type Shell = keyof typeof SHELLS;

export interface CompletionParts {
  readonly out: Writable;
  /** Every verb, with its options. */
  readonly verbs: () => Promise<readonly Command[]>;
}

/** The verb `completion`. */
export function completionCommand({ out, verbs }: CompletionParts): Command {
  return new Command("completion")
    .description("Print a script that completes verbs and options in a shell.")
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(SHELLS)))
    .action(async (shell: Shell) => {
      const program = new Command("daybook").option("--version", "the version");
      for (const verb of await verbs()) program.addCommand(verb);
      const table = new Map<string, readonly Word[]>();
      addWords(program, [], table);
      out.write(SHELLS[shell](table));
    });
}

function addWords(command: Command, path: readonly string[], table: Map<string, readonly Word[]>): void {
  const commands = command.commands.map((each) => ({ text: each.name(), about: each.description() }));
  const values = command.registeredArguments.flatMap(({ argChoices = [] }) =>
    argChoices.map((text) => ({ text, about: "" })),
  );
  const options = command.options.flatMap(({ long, description, hidden }) =>
    long === undefined || hidden ? [] : [{ text: long, about: description }],
  );
  table.set(path.join(" "), [...commands, ...values, ...options, { text: "--help", about: "show help" }]);
  for (const each of command.commands) addWords(each, [...path, each.name()], table);
}

/** A function of the shell that prints the words after a path. */
function wordsFunction(table: Table): string {
  const cases = [...table].map(
    ([path, words]) => `    ${quoted(path)}) echo ${quoted(words.map(({ text }) => text).join(" "))} ;;`,
  );
  return `_daybook_words() {\n  case "$1" in\n${cases.join("\n")}\n  esac\n}\n`;
}

/** The path is made of those words that are commands; values of options are none. */
function bashScript(table: Table): string {
  return `# daybook: completion for bash. In ~/.bashrc: eval "$(daybook completion bash)"
${wordsFunction(table)}
_daybook() {
  local path="" word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    [[ "$word" != -* && -n "$(_daybook_words "$next")" ]] && path="$next"
  done
  COMPREPLY=($(compgen -W "$(_daybook_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _daybook daybook
`;
}

function zshScript(table: Table): string {
  return `#compdef daybook
# daybook: completion for zsh. In ~/.zshrc, after compinit: eval "$(daybook completion zsh)"
${wordsFunction(table)}
_daybook() {
  local path_="" word next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${path_:+$path_ }$word"
    [[ "$word" != -* && -n "$(_daybook_words "$next")" ]] && path_="$next"
  done
  compadd -- \${=$(_daybook_words "$path_")} || _files
}
compdef _daybook daybook
`;
}

function fishScript(table: Table): string {
  const paths = [...table.keys()].filter((path) => path !== "").map(quoted);
  const lines = [...table].flatMap(([path, words]) =>
    words.map(({ text, about }) => {
      const what = text.startsWith("--") ? `-l ${text.slice(2)}` : `-a ${quoted(text)}`;
      const description = about === "" ? "" : ` -d ${quoted(about)}`;
      return `complete -c daybook -n ${quoted(`test (_daybook_path) = "${path}"`)} ${what}${description}`;
    }),
  );
  return `# daybook: completion for fish. In ~/.config/fish/config.fish: daybook completion fish | source
function _daybook_path
  set -l path ""
  for word in (commandline -opc)[2..]
    set -l next (string trim -- "$path $word")
    contains -- $next ${paths.join(" ")}; and set path $next
  end
  echo "$path"
end
${lines.join("\n")}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
