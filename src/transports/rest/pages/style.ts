/** How the pages look: one column, in light and dark, with nothing fetched from anywhere. */
export const style = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #868f99; --accent: #1f5fbf; --on-accent: #ffffff; --wrong: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16191d; --ink: #e6e8eb; --soft: #a9b1ba; --line: #7d8590; --accent: #8ab4f8; --on-accent: #10243f; --wrong: #ffb4ab; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
main { max-width: 27rem; margin: 0 auto; }
.brand { margin: 0 0 1.5rem; color: var(--soft); font-weight: 600; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.wrong { padding-left: 0.75rem; border-left: 0.25rem solid var(--wrong); color: var(--wrong); }
label { display: block; margin: 0 0 0.25rem; font-weight: 600; }
.hint { margin: 0 0 0.25rem; color: var(--soft); font-size: 0.875rem; }
input, button { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-radius: 0.375rem; font: inherit; }
input { margin: 0 0 1rem; background: transparent; color: inherit; }
button { border-color: transparent; background: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;
