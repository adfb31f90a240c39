/** Mantine makes a dialog's head a `<header>`, which outside of other sections counts as the page's banner. */
export const NOT_A_BANNER = { header: { role: 'presentation' } }
