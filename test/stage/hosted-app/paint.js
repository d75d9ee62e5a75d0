/** Draw the dataset: one small square a cell, its colour as a hue. */
export function paint({ positions, dimension, colors, highlights, hidden }) {
  const canvas = document.getElementById('cells')
  const context = canvas.getContext('2d')
  context.fillStyle = getComputedStyle(document.body).getPropertyValue('--ground') || '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  for (let cell = 0; cell < colors.length; cell++) {
    if (hidden.has(cell)) continue
    const x = ((positions[cell * dimension] + 1) / 2) * (canvas.width - 8)
    const y = ((1 - (positions[cell * dimension + 1] ?? 0)) / 2) * (canvas.height - 8)
    const highlight = highlights.get(cell)
    context.fillStyle =
      highlight ?? (Number.isNaN(colors[cell]) ? '#999' : `hsl(${Math.round(colors[cell] * 300)} 70% 45%)`)
    const size = highlight === undefined ? 3 : 6
    context.fillRect(x, y, size, size)
  }
}
