// Before the first paint, so that no page flashes in the other theme.
{
  const { dataset, classList } = document.documentElement;
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem("daybook.preferences") ?? "{}");
  } catch {
    // Storage that is shut, or holds something else: the defaults hold.
  }
  const isDark =
    kept.theme === "dark" || (kept.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  classList.toggle("dark", isDark);
  dataset.density = kept.density === "compact" ? "compact" : "comfortable";
}
