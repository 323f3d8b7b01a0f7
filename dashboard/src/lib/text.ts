// Text of others, as it is shown. It is never markup; but characters that have no shape, or that turn the order of what
// is around them, would let one name pass for another: they are written out, as JSON does (`\u202e`).

const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export function visible(text: string): string {
  return text.replace(UNSEEN, (unseen) => {
    const hex = (unseen.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
  });
}
