import { StoredAnnData } from '../../../data/elements/stored-anndata.ts'
import type { Turn } from '../../../data/stored-tree.ts'
import type { Hdf5Library } from '../hdf5/h5wasm.ts'
import { Hdf5File } from '../hdf5/hdf5-file.ts'
import { rootOf } from '../hdf5/hdf5-tree.ts'

const ALL_CELLS = { start: 0, end: 4 }

/**
 * Read a small file as the first picture of a large one is read. What runs for the first time is compiled first, which
 * takes longer than the reading: a thread that waits for its file does that meanwhile.
 * @param turn throws where there is something better to do
 */
export async function rehearse(library: Hdf5Library, path: string, turn: Turn): Promise<void> {
  const file = new Hdf5File(library, path, { plugins: new Set(), tick: () => undefined })
  try {
    const data = new StoredAnnData(rootOf(file), path)
    await data.modalities()
    await data.describe('', turn)
    await data.obsm('X_umap', 2, ALL_CELLS, turn)
    for (const key of ['category', 'number']) await data.obs(key, turn)
    await data.gene(0, { in: 'X' }, turn)
  } finally {
    library.close_file(file.id)
  }
}
