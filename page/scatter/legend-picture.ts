/** The legend as a picture shows it: what the panel says, without its controls. */
export type LegendPicture =
  | {
      kind: 'categories'
      title: string
      /** hidden categories are left out by the caller */
      entries: readonly { name: string; color: string; count: number }[]
    }
  | {
      kind: 'gradient'
      title: string
      /** CSS colours from low to high, evenly spaced */
      colors: readonly string[]
      range: readonly [number, number]
    }
