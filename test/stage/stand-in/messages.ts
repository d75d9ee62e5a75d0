/** What the workbench's page and the notebook's output page say to each other; both hold only what they were handed. */
export type ToOutput =
  | { kind: 'start'; kernel: { id: string; name: string }; replay: (string | ArrayBuffer)[]; outputs: CellOutputs }
  | { kind: 'frame'; data: string | ArrayBuffer }

export type ToWorkbench =
  | { kind: 'ready' }
  | { kind: 'frame'; data: string | ArrayBuffer }
  | { kind: 'outputs'; outputs: CellOutputs }
  /** Where a port of the kernel's machine is seen from outside; answered at the port that comes with it. */
  | { kind: 'port'; port: number }

/** A bundle of mime types, and the id under which it may be replaced. */
export type Shown = { displayId: string | null; data: Record<string, unknown> }

/** What each cell shows, by its place. */
export type CellOutputs = Record<number, Shown[]>

/** What a run of a cell printed, or how it failed. */
export type RunResult = { text: string; error: string | null }
