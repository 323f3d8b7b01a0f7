// Which names hide their values. A name is split into whole words first (case, digits, punctuation), so that
// `max_tokens`, `tokenizer`, `author`, `keyword` and `monkey` stay while `apiToken`, `X-Api-Key` and `PASSWORDs`
// do not. In doubt a name hides. What is decided is listed, name by name, in test/fixtures/redaction/.

/**
 * What a name says about its value. `secret`: hidden whole. `count`: about secrets but measured (`max_tokens`),
 * shown when it is a number. `flag`: shown when it is a boolean (`private`, `has_password`). `plain`: shown.
 */
export type NameClass = "plain" | "secret" | "count" | "flag";

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/).map(fold));

/** Words that hide a value wherever they stand, singular; their plurals do too. */
const SECRET_WORDS = set(`
  password passwd pwd pw passphrase passcode passkey pass secret token key apikey auth authentication authorization
  oauth credential cred ssn private cookie bearer pin cvv cvc csc otp totp hotp mfa jwt csrf xsrf certificate cert
  signature sig hmac dsn mnemonic kubeconfig keytab pem pfx iban passport jsessionid phpsessid
  passwort kennwort contraseña clave senha wachtwoord lösenord hasło motdepasse пароль секрет`);

/** Two or three words that hide a value together. */
const SECRET_PHRASES = set(`
  pass_word pass_phrase pass_code secret_id access_key_id credit_card debit_card card_number card_num card_no
  cc_number cc_num social_security tax_id national_id account_number bank_account routing_number
  driver_license drivers_license driving_license connection_string connection_str conn_string conn_str
  verification_code security_code confirmation_code activation_code recovery_code backup_code login_code
  one_time_code fa_code security_answer seed_phrase recovery_phrase id_rsa id_ed id_ecdsa magic_link
  github_pat gitlab_pat azure_pat devops_pat gh_pat mot_de_passe set_cookie`);

/** Compounds written as one word; every alternative is a plain search, without repetition. */
const GLUED = new RegExp(
  fold(
    "passw(?:or)?d|passphrase|passcode|(?:store|key)pass$|(?:token|secret|credential)s?$|authorization$|authheader|" +
      "(?:api|app|auth|access|account|activation|admin|client|consumer|decryption|deploy|encryption|gpg|host|license|" +
      "master|pgp|private|product|secret|service|session|shared|signing|ssh|storage|subscription)keys?$|" +
      "connectionstring|creditcard|cardnumber|setcookie|密码|密碼|口令|비밀번호|パスワード",
  ),
);

/** These words before it make a word harmless: a primary key opens nothing. */
const UNLESS_AFTER: Readonly<Record<string, ReadonlySet<string>>> = {
  key: set(`primary foreign sort partition range unique composite candidate surrogate natural clustering public cache
    idempotency dedupe deduplication routing row column field property object record entity issue project group
    grouping order ordering index lookup parent child join translation locale message label tag metric feature
    config setting dict map json yaml xml registry musical hot arrow modifier shortcut keyboard`),
  signature: set("function method type call class email mail time wine"),
  token: set("design theme css syntax"),
  pin: set("gpio input output led data clock analog digital"),
  pass: set(
    "first second third last single multi one two by boarding season ski mountain render low high band",
  ),
};

/** These words after it make a word harmless. */
const UNLESS_BEFORE: Readonly<Record<string, ReadonlySet<string>>> = {
  key: set(`point points result results finding findings metric metrics feature features takeaway takeaways phrase
    phrases insight insights event events term terms topic topics concept concepts fact facts idea ideas decision
    decisions stakeholder stakeholders contact contacts date dates difference differences benefit benefits question
    questions word words performance frame frames down up press code stroke strokes board binding bindings map`),
  private: set(
    "ip ips ipv dns network networks subnet subnets cidr link zone repo repository channel cloud equity",
  ),
  pin: set("message messages post comment"),
};

/** A last word that turns the name into a statement about the secret. */
const ABOUT = set(`
  name names type types kind method methods mode policy policies format algorithm alg id ids url urls uri endpoint
  host port domain region provider issuer audience path paths file filename dir scope scopes status state label
  description version at by prefix user username email role roles group strategy schema arn ref vault rotation env
  var variable owner tag tags brand consent symbol address standard decimals amount manager server service color
  error errors`);

/** A last word that makes it a measurement. */
const COUNT_LAST = set(`
  count counts length len size limit limits max maximum min minimum budget usage used cost price ttl age day days hour
  hours minute minutes second seconds ms expiry expires expiration attempts retries total index position offset bits
  bytes rate remaining threshold left`);
const COUNT_FIRST = set("max min num n total avg mean count");

/** A first or last word that makes it a yes or no. */
const FLAG_FIRST = set(`
  is has have use uses with without include includes accept block clear delete require requires needs show hide allow
  enable enabled disable disabled skip no reset rotate change generate should can verify revoke force save remember
  mask`);
const FLAG_LAST = set(`
  enabled disabled required optional set present missing valid invalid expired exists supported allowed verified needed
  changed revoked only protected estimated`);
/** Words that are a flag as often as a secret: `private: true`, `pin: true` of a message. */
const FLAG_WORDS = set("private pin pass mfa");

const WORD = /\p{Lu}{2,}s(?!\p{Ll})|\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|[\p{Lo}\p{Lm}]+|\p{N}+/gu;
const NUMBER_TEXT = /^-?\d{1,22}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?$/;

/** Lower case without accents, width variants and invisible characters. */
function fold(text: string): string {
  return bare(text).toLowerCase();
}

function bare(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : text.normalize("NFKD").replace(/[\p{M}\p{Cf}]/gu, "");
}

/** The words of a name in lower case: `APIKeyID2` → `api`, `key`, `id`, `2`. Linear in its length. */
export function splitWords(name: string): string[] {
  return (bare(name).match(WORD) ?? []).map((word) => word.toLowerCase());
}

/**
 * What `name` says about its value; linear in its length. The last word decides whether it is the secret itself:
 * `token_type` is about one, `token_count` counts, `type_token` is one.
 */
export function classifyName(name: string): NameClass {
  const words = splitWords(name).filter((word) => !/^\p{N}/u.test(word));
  if (words.length > 1 && inPlural(SECRET_WORDS, words.join(""))) return "secret";
  let hits = 0;
  let tokens = 0;
  let plural = false;
  let flags = 0;
  let first = -1;
  let end = 0;
  for (let at = 0; at < words.length; ) {
    const length = secretAt(words, at);
    if (length > 0) {
      const word = words[at] ?? "";
      if (first < 0) first = at;
      hits++;
      if (word.endsWith("token") || word.endsWith("tokens")) tokens++;
      if (word.endsWith("tokens")) plural = true;
      if (FLAG_WORDS.has(word)) flags++;
      end = at + length;
    }
    at += length || 1;
  }
  if (hits === 0) return "plain";
  const head = first > 0 ? (words[0] ?? "") : "";
  const tail = end < words.length ? (words.at(-1) ?? "") : "";
  if (ABOUT.has(tail)) return "plain";
  if (COUNT_LAST.has(tail)) return "count";
  if (hits === tokens && (plural || COUNT_FIRST.has(head))) return "count";
  return hits === flags || FLAG_FIRST.has(head) || FLAG_LAST.has(tail) ? "flag" : "secret";
}

/** How many words from `at` on name a secret; 0: none. */
function secretAt(words: readonly string[], at: number): number {
  for (const length of [3, 2]) {
    if (at + length > words.length) continue;
    const phrase = words.slice(at, at + length).join("_");
    if (inPlural(SECRET_PHRASES, phrase)) return length;
  }
  const word = words[at] ?? "";
  if (!secretWord(word)) return 0;
  const root = SECRET_WORDS.has(word) ? word : word.replace(/s$/, "");
  if (root === "pass" && at !== words.length - 1) return 0;
  if (lookup(UNLESS_AFTER, root)?.has(words[at - 1] ?? "")) return 0;
  if (lookup(UNLESS_BEFORE, root)?.has(words[at + 1] ?? "")) return 0;
  return 1;
}

function lookup(table: Readonly<Record<string, ReadonlySet<string>>>, word: string) {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

function secretWord(word: string): boolean {
  return inPlural(SECRET_WORDS, word) || (GLUED.test(word) && !word.endsWith("passwordless"));
}

function inPlural(words: ReadonlySet<string>, word: string): boolean {
  return words.has(word) || (word.endsWith("s") && words.has(word.slice(0, -1)));
}

/** Whether a value of a name of this class is hidden. Numbers may come as their JSON text. */
export function hides(nameClass: NameClass, value: unknown): boolean {
  switch (nameClass) {
    case "plain":
      return false;
    case "flag":
      return typeof value !== "boolean";
    case "count":
      return !isNumber(value);
    default:
      return true;
  }
}

function isNumber(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  const text = typeof value === "bigint" ? String(value) : value;
  return typeof text === "string" && text.length <= 50 && NUMBER_TEXT.test(text);
}
