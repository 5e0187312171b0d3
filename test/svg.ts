import * as echarts from 'echarts';

/** Draws a chart as an SVG. The same options always give the same text. */
export function svgOf(
  options: echarts.EChartsOption,
  size: { readonly width: number; readonly height: number },
): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  chart.setOption(options);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return withOwnNames(svg);
}

/** echarts numbers charts and classes through the life of the process, so the names depend on what was drawn before. */
function withOwnNames(svg: string): string {
  const names = new Map<string, string>();
  return svg.replaceAll(/\bzr\d+-(c|cls-)\d+\b/g, (name, kind: string) => {
    const own = names.get(name) ?? `${kind}${names.size}`;
    names.set(name, own);
    return own;
  });
}
