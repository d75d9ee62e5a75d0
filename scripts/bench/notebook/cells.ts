/** Who shows the cells: this project, or jupyter-scatter. */
export const CONTENDERS = ['ours', 'peer'] as const
export type Contender = (typeof CONTENDERS)[number]

/** Both as tall as this, CSS pixels. */
const HEIGHT = 480
/** More than are asked for: each recolouring is to a column that was never on screen. */
const VALUE_COLUMNS = 40

/** The same cells for both: an embedding of clusters, their names, and columns of values, all in the kernel's memory. */
function prepare(cellCount: number): string {
  return `
import anndata, jscatter, numpy, pandas
from cellucid_notebook import show_anndata
random = numpy.random.default_rng(0)
cluster = random.integers(0, 20, ${cellCount})
places = (random.normal(size=(20, 2)) * 4)[cluster] + random.normal(size=(${cellCount}, 2))
columns = {"group": pandas.Categorical([f"group {i}" for i in range(20)]).take(cluster)}
columns |= {f"value {i}": random.random(${cellCount}, dtype="f4") for i in range(${VALUE_COLUMNS})}
obs = pandas.DataFrame(columns, index=numpy.arange(${cellCount}).astype(str))
adata = anndata.AnnData(obs=obs, obsm={"X_umap": places.astype("f4")})
table = obs.reset_index(drop=True).assign(x=places[:, 0].astype("f4"), y=places[:, 1].astype("f4"))
ours, peer = iter(range(${VALUE_COLUMNS})), iter(range(${VALUE_COLUMNS}))
turn = None`.trimStart()
}

export function benchCells(cellCount: number): string[] {
  return [
    prepare(cellCount),
    `if turn == "ours": viewer = show_anndata(adata, color="group", height=${HEIGHT})`,
    `if turn == "peer":\n    scatter = jscatter.Scatter(data=table, x="x", y="y", color_by="group", height=${HEIGHT})\n    display(scatter.show())`,
    'viewer.set_color_by(f"value {next(ours)}")',
    '_ = scatter.color(by=f"value {next(peer)}")',
    'turn = "ours"',
    'turn = "peer"',
  ]
}

/** Their places in the notebook. A cell that shows is run out of turn to take its picture away. */
export const CELLS = {
  prepare: 0,
  show: { ours: 1, peer: 2 },
  recolor: { ours: 3, peer: 4 },
  turn: { ours: 5, peer: 6 },
} as const
