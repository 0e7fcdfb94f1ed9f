/** A straight line through points: what y rises by for each x, and between what bounds that is at 95 %. */
export interface Slope {
  slope: number;
  low: number;
  high: number;
}

/** Normal quantile of 95 %, both sides: with tens of points Student's is hardly wider. */
const QUANTILE = 1.96;

/**
 * Least squares. The bounds take it that what is off the line is off it by chance each time.
 * @param points at least three, not all of one x; otherwise everything is NaN
 */
export function fittedSlope(points: readonly (readonly [x: number, y: number])[]): Slope {
  const count = points.length;
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / count;
  const [centre, height] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - centre) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - centre) * (y - height), 0) / spread;
  const off = points.reduce((sum, [x, y]) => sum + (y - height - slope * (x - centre)) ** 2, 0);
  const bound = QUANTILE * Math.sqrt(off / (count - 2) / spread);
  return { slope, low: slope - bound, high: slope + bound };
}
