import createScatterplot from 'regl-scatterplot'
import { scaleGradient } from '../../../page/scatter/color/coloring.ts'
import { type BenchData, canvasIn, HEIGHT, type Open, PIXELS_PER_UNIT, POINT_SIZE, WIDTH } from '../contender.ts'

/** In its performance mode, with its spatial index, which hover and lasso need. A colour needs all points again. */
export const open: Open = async (host) => {
  const canvas = canvasIn(host)
  const plot = createScatterplot({
    canvas,
    width: WIDTH,
    height: HEIGHT,
    pointSize: POINT_SIZE,
    performanceMode: true,
    aspectRatio: WIDTH / HEIGHT,
    backgroundColor: '#ffffff',
  })
  let data: BenchData | null = null
  let x = new Float32Array(0)
  let y = new Float32Array(0)
  const draw = (z: ArrayLike<number>, zDataType: 'categorical' | 'continuous') => plot.draw({ x, y, z }, { zDataType })
  return {
    async show(given) {
      data = given
      x = given.positions.filter((_, i) => i % 2 === 0).map((value) => (value * PIXELS_PER_UNIT) / (WIDTH / 2))
      y = given.positions.filter((_, i) => i % 2 === 1)
      await plot.set({ colorBy: 'valueA', pointColor: [...given.colors] })
      await draw(given.codes, 'categorical')
    },
    async gene(index) {
      await plot.set({ colorBy: 'valueA', pointColor: Array.from({ length: 256 }, (_, step) => gradient(step / 255)) })
      await draw(data?.genes[index].map((value) => value / 5) ?? [], 'continuous')
    },
    async frame() {
      const cameraView = Float32Array.from(plot.get('cameraView'))
      cameraView[12] = (cameraView[12] ?? 0) + 0.001
      await plot.set({ cameraView })
      const drawn = new Promise<void>((resolve) => {
        const subscription = plot.subscribe('draw', () => {
          plot.unsubscribe(subscription)
          resolve()
        })
      })
      plot.redraw()
      await drawn
    },
    hover(px, py) {
      const box = canvas.getBoundingClientRect()
      const place = { clientX: box.left + px, clientY: box.top + py, bubbles: true }
      canvas.dispatchEvent(new MouseEvent('mouseenter', place))
      window.dispatchEvent(new MouseEvent('mousemove', place))
      return plot.get('hoveredPoint' as never)
    },
    async lasso(corners) {
      const vertices = corners.map(([px, py]): [number, number] => [(px / WIDTH) * 2 - 1, 1 - (py / HEIGHT) * 2])
      plot.lassoSelect(vertices, { isGl: true })
      return Uint32Array.from(plot.get('selectedPoints')).sort()
    },
  }
}

const STOPS = scaleGradient('viridis')

function gradient(t: number): string {
  return STOPS[Math.round(t * (STOPS.length - 1))] ?? '#000000'
}
