// What the image tower reads of a picture: Pillow's resize to the last bit, then mean and deviation.
// A canvas would scale otherwise, and differently in each browser. Enter at `pixelsOf`.

const BITS = 22; // of the whole numbers that Pillow weighs with

// Filter -> how far it reaches on either side, and its weight there.
const FILTERS = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  hamming: [1, (x) => (x === 0 ? 1 : Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)))],
  bicubic: [2, cubic],
  lanczos: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function cubic(signed) {
  const x = Math.abs(signed);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

// For each pixel that comes out: the first that goes in, and whole-numbered weights from there on.
function weights(before, after, filter) {
  const [reach, weigh] = FILTERS[filter];
  const scale = before / after;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: after }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * stretch + 0.5));
    const end = Math.min(before, Math.trunc(centre + reach * stretch + 0.5));
    const found = [];
    for (let x = first; x < end; x += 1) found.push(weigh((x - centre + 0.5) / stretch));
    const whole = found.reduce((sum, one) => sum + one, 0);
    return [first, found.map((one) => rounded((one / whole) * 2 ** BITS))];
  });
}

function rounded(number) {
  return Math.trunc(number + (number < 0 ? -0.5 : 0.5));
}

// One pass, along rows (step 1 pixel) or along columns (step one row).
function pass(source, lines, before, after, filter, [pixel, line], [toPixel, toLine]) {
  const made = new Uint8ClampedArray(lines * after * 3);
  const each = weights(before, after, filter);
  for (let at = 0; at < lines; at += 1) {
    each.forEach(([first, found], place) => {
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 2 ** (BITS - 1);
        let from = at * line + first * pixel + channel;
        for (const weight of found) {
          sum += source[from] * weight;
          from += pixel;
        }
        made[at * toLine + place * toPixel + channel] = Math.floor(sum / 2 ** BITS);
      }
    });
  }
  return made;
}

// Which pixel goes to each place, found by adding steps: a product would round otherwise.
function picked(before, after) {
  const step = before / after;
  let at = step / 2;
  return Array.from({ length: after }, () => {
    const found = Math.min(Math.floor(at), before - 1);
    at += step;
    return found;
  });
}

function nearest(rgb, width, height, wide, high) {
  const made = new Uint8ClampedArray(wide * high * 3);
  const columns = picked(width, wide);
  picked(height, high).forEach((from, row) => {
    columns.forEach((column, to) => {
      const at = 3 * (from * width + column);
      made.set(rgb.subarray(at, at + 3), 3 * (row * wide + to));
    });
  });
  return made;
}

function across(rgb, width, height, wide, filter) {
  if (wide === width) return rgb;
  return pass(rgb, height, width, wide, filter, [3, 3 * width], [3, 3 * wide]);
}

function down(rgb, width, height, high, filter) {
  if (high === height) return rgb;
  return pass(rgb, width, height, high, filter, [3 * width, 3], [3 * width, 3]);
}

// What lies between the two passes is rounded too, so their order shows. Pillow 13 takes rows away
// first where it takes more than twice as many of them as of columns; before 13 columns always came
// first, which moves single pixels of tall pictures.
export function resized(rgb, width, height, wide, high, filter) {
  if (filter === "nearest") return nearest(rgb, width, height, wide, high);
  if (height - high > 2 * Math.max(0, width - wide)) {
    return across(down(rgb, width, height, high, filter), width, high, wide, filter);
  }
  return down(across(rgb, width, height, wide, filter), wide, height, high, filter);
}

// Half to even, as Python rounds.
function even(number) {
  const low = Math.floor(number);
  if (number - low !== 0.5) return Math.round(number);
  return low % 2 ? low + 1 : low;
}

const SIZES = {
  squash: (size) => [size, size],
  shortest: (size, ...edges) => edges.map((edge) => Math.floor((size * edge) / Math.min(...edges))),
  longest_pad: (size, ...edges) =>
    edges.map((edge) => Math.max(1, even(edge / (Math.max(...edges) / size)))),
};

// Where a square begins in what was resized; before it where there is black around.
function begins(edge, size, how) {
  if (how.resize === "longest_pad") return -Math.floor((size - edge) / 2);
  return how.crop_rounding === "half_even" ? even((edge - size) / 2) : Math.floor((edge - size) / 2);
}

export function square(rgb, width, height, how) {
  const size = how.size_px;
  const [wide, high] = SIZES[how.resize](size, width, height);
  const made = resized(rgb, width, height, wide, high, how.filter);
  const [left, top] = [begins(wide, size, how), begins(high, size, how)];
  const cut = new Uint8ClampedArray(size * size * 3);
  for (let row = Math.max(0, -top); row < Math.min(size, high - top); row += 1) {
    const from = Math.max(0, -left);
    const until = Math.min(size, wide - left);
    const start = 3 * ((row + top) * wide + from + left);
    cut.set(made.subarray(start, start + 3 * (until - from)), 3 * (row * size + from));
  }
  return cut;
}

// Channels first, in float32.
export function pixelsOf(cut, how) {
  const count = cut.length / 3;
  const pixels = new Float32Array(cut.length);
  for (let place = 0; place < count; place += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const value = cut[3 * place + channel] / 255;
      pixels[channel * count + place] = (value - how.mean[channel]) / how.std[channel];
    }
  }
  return pixels;
}
