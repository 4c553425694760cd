// One module out of Cornerstone3D, without what a single radiograph never needs, and the licences
// of every package whose code is in it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "vite";

// Replaced by nothing: colour tables, 3D presets, what only volumes and
// segmentations ask for.
const UNUSED = {
  "ColorTransferFunction/ColorMaps": "export default { addPreset() {}, getPresetByName() {}, rgbPresetNames: [] };",
  "constants/cpuColormaps": "export default {};",
  "constants/viewportPresets": "export default [];",
  "utilities/textureSupport": "export const getSupportedTextureFormats = () => ({});",
  "utilities/registerComputeWorker": "export function registerComputeWorker() {}",
  "RenderingEngine/VideoViewport": "export default class {}",
  "RenderingEngine/WSIViewport": "export default class {}",
  "RenderingEngine/ECGViewport": "export default class {}",
  "RenderingEngine/VolumeViewport3D": "export default class {}",
};

const leaveOut = {
  name: "leave-out",
  load(id) {
    const name = Object.keys(UNUSED).find((each) => id.replace(/\.js(\?.*)?$/, "").endsWith(each));
    return name ? UNUSED[name] : null;
  },
};

// A style attribute set from text is refused by our Content-Security-Policy; the same through CSSOM
// is not.
const STYLED = {
  "drawingSvg/drawTextBox.js": ["textElement.setAttribute('style', combinedStyle)", "textElement.style.cssText = combinedStyle"],
  "drawingSvg/setNewAttributesIfValid.js": ["svgNode.setAttribute(key, newValue)", "key === 'style' ? (svgNode.style.cssText = newValue) : svgNode.setAttribute(key, newValue)"],
  "drawingSvg/setAttributesIfNecessary.js": ["svgNode.setAttribute(key, newValue)", "key === 'style' ? (svgNode.style.cssText = newValue) : svgNode.setAttribute(key, newValue)"],
};
const keepToPolicy = {
  name: "keep-to-policy",
  transform(code, id) {
    const file = Object.keys(STYLED).find((each) => id.endsWith(each));
    if (!file) return null;
    const [refused, allowed] = STYLED[file];
    if (!code.includes(refused)) throw new Error(`${file} has changed: look where it sets a style now`);
    return { code: code.replace(refused, allowed), map: null };
  },
};

const packageOf = (id) => {
  let folder = dirname(id);
  while (!existsSync(join(folder, "package.json")) || !JSON.parse(readFileSync(join(folder, "package.json"))).version) {
    folder = dirname(folder);
  }
  return folder;
};

const licenceOf = (folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json")));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : `(The package holds no text of its licence, ${license}.)`;
  return `${name} ${version} – ${license}\n\n${text}\n`;
};

const licences = {
  name: "licences",
  generateBundle(_options, bundle) {
    const ids = Object.values(bundle).flatMap((chunk) =>
      Object.entries(chunk.modules ?? {}).filter(([, { renderedLength }]) => renderedLength > 0).map(([id]) => id.replace(/^\0/, "").split("?")[0]));
    const folders = new Set(ids.filter((id) => id.includes("node_modules")).map(packageOf));
    const source = [...folders].sort().map(licenceOf).join(`\n${"-".repeat(80)}\n\n`);
    this.emitFile({ type: "asset", fileName: "LICENSES.txt", source });
  },
};

export default defineConfig({
  plugins: [leaveOut, keepToPolicy, licences],
  build: {
    target: "es2022",
    outDir: "../src/pneumoscope/web/studies/static/studies/vendor/cornerstone",
    emptyOutDir: true,
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      input: "src/cornerstone.js",
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "cornerstone.js", inlineDynamicImports: true },
      // These packages register classes on import; of the rest nothing unused is kept.
      treeshake: { moduleSideEffects: (id) => /viewer\/src|Rendering\/Profiles|Rendering\/OpenGL\//.test(id) },
    },
  },
});
