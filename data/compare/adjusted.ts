/**
 * p values adjusted for their number by Benjamini and Hochberg: the share of false finds among all that are as good.
 * @param p one for each gene, none missing
 */
export function benjaminiHochberg(p: Float64Array): Float64Array {
  const order = Uint32Array.from(p.keys()).sort((a, b) => (p[a] ?? 0) - (p[b] ?? 0))
  const adjusted = new Float64Array(p.length)
  let least = 1
  for (let rank = order.length; rank > 0; rank--) {
    const gene = order[rank - 1] ?? 0
    least = Math.min(least, ((p[gene] ?? 1) * p.length) / rank)
    adjusted[gene] = least
  }
  return adjusted
}
