// The colours of the pages, by day and by night.

export const palette = `:root {
  color-scheme: light dark;
  --text: #1c1e21;
  --soft: #5a6068;
  --line: #d9dce1;
  --page: #ffffff;
  --card: #f6f7f9;
  --accent: #1a5fb4;
  --on-accent: #ffffff;
  --good: #1b7a3d;
  --bad: #b3261e;
  --bad-card: #fdf1f0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e8eb;
    --soft: #a2a9b3;
    --line: #363b43;
    --page: #15181c;
    --card: #1d2126;
    --accent: #8ab8f5;
    --on-accent: #10233d;
    --good: #7bd49b;
  --bad: #f2a19b;
    --bad-card: #2c1d1d;
  }
}
`
