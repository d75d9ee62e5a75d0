/** How a data set is offered. The first four live in a kernel, the others on disk. */
export const FORMS = [
  'memory',
  'view',
  'backed r',
  'backed r+',
  'h5ad',
  'h5ad gzip',
  'zarr v2',
  'zarr v3',
  'zarr zip',
  'export',
] as const
export type Form = (typeof FORMS)[number]
