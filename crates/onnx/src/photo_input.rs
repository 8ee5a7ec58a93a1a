//! Moves the preprocessing of photos into the graph: its input is a decoded photo of any size, its
//! output a label.
//!
//! Resizing is two matrix products, whose weights the graph computes from the size of the photo.
//! `Resize` with antialiasing would be a single operator, but fewer runtimes have it (rten does
//! not), and no runtime rounds to whole levels between its passes, as Pillow does. The graph uses
//! only standard operators of opset 18.
//!
//! Differs from `kennel_data::resize`:
//!
//! - Sums are in f32 instead of fixed point with 22 bits, so a few values are off by one grey
//!   level, and seldom one by two.
//! - Width is always resized before height. Pillow 13 resizes the height first when that shrinks
//!   the photo by more than twice as many pixels (photos more than about twice as tall as wide).
//!   The difference shows beside clipped highlights.
//! - With `border`, a short side that comes to exactly half a pixel is rounded to even. Pillow gets
//!   the side from a rounded quotient, which may lie on either side of the half.

use kennel_core::{CropMode, Interpolation, Preprocessing};

use crate::builder::{Extent, GraphBuilder, int, ints, raw_tensor};
use crate::proto::{ElementType, ModelProto};
use crate::{OnnxError, Result};

/// Name of the input: `[height, width, 3]` bytes, RGB, upright.
pub const PHOTO: &str = "photo";
/// Name of the first output: `[classes]`, after temperature and softmax.
pub const PROBABILITIES: &str = "probabilities";
/// Name of the second output: the index of the best class in `class_names`, an i64 scalar.
pub const LABEL: &str = "label";

/// Adds the preprocessing before a model from pixels `[batch, 3, side, side]` to logits, and
/// temperature, softmax and argmax after it.
///
/// # Errors
///
/// [`OnnxError::Graph`] when the model has not exactly one input and one output.
pub fn with_photo_input(
    model: &ModelProto,
    preprocessing: &Preprocessing,
    temperature: f64,
    classes: usize,
) -> Result<ModelProto> {
    let refuse = |reason: &str| OnnxError::Graph { verb: "given photos", reason: reason.into() };
    let mut model = model.clone();
    let mut network = model.graph.take().ok_or_else(|| refuse("there is none"))?;
    let ([input], [output]) = (network.input.as_slice(), network.output.as_slice()) else {
        return Err(refuse("it has not one input and one output"));
    };
    let (pixels, logits) = (input.name.clone(), output.name.clone());
    let nodes = std::mem::take(&mut network.node);
    network.input.clear();
    network.output.clear();
    let mut graph = GraphBuilder::from_graph(network);
    graph.input(
        PHOTO,
        ElementType::Uint8,
        &[Extent::Named("height"), Extent::Named("width"), Extent::Fixed(3)],
    );
    prepare(&mut graph, preprocessing, &pixels);
    graph.append(nodes);
    choose(&mut graph, &logits, temperature);
    graph.output(PROBABILITIES, ElementType::Float, &[Extent::Fixed(classes)]);
    graph.output(LABEL, ElementType::Int64, &[]);
    model.graph = Some(graph.finish());
    Ok(model)
}

/// Adds the nodes from [`PHOTO`] to `pixels`, `[1, 3, side, side]`.
fn prepare(graph: &mut GraphBuilder, preprocessing: &Preprocessing, pixels: &str) {
    let Preprocessing { side_px, crop_mode, interpolation, mean, std, .. } = *preprocessing;
    let side = i64::from(side_px);
    let target = i64::from(preprocessing.resize_px().max(side_px));
    graph.int("photo.side", side);
    graph.int(target_name(crop_mode), target);
    graph.int("photo.two", 2);
    for (name, value) in
        [("zero", 0.0), ("half", 0.5), ("one", 1.0), ("two_f", 2.0), ("white", 255.0)]
    {
        graph.floats(&format!("photo.{name}"), &[], &[value]);
    }
    graph.int("photo.one_int", 1);
    // 2i + 1 for each output row i, without the offset of the crop.
    let middles = (0..side).flat_map(|i| (2 * i + 1).to_le_bytes()).collect();
    graph.constant(raw_tensor(
        "photo.middles",
        &[side_px as usize, 1],
        ElementType::Int64,
        middles,
    ));
    graph.floats("photo.twos", &[side_px as usize, 1], &vec![2.0; side_px as usize]);
    graph.ints("photo.last_axis", &[1]);

    graph.node("Shape", "photo.shape", &[PHOTO], []);
    for (axis, index) in [("height", 0), ("width", 1)] {
        let index = graph.int(&format!("photo.{axis}.axis"), index);
        graph.node("Gather", &format!("photo.{axis}"), &["photo.shape", &index], [int("axis", 0)]);
    }
    match crop_mode {
        CropMode::Center => {
            graph.node("Min", "photo.shorter", &["photo.height", "photo.width"], []);
        }
        CropMode::Squash => {}
        CropMode::Border => {
            graph.node("Max", "photo.longer", &["photo.height", "photo.width"], []);
            graph.int("photo.nothing", 0);
        }
    }
    for axis in ["height", "width"] {
        let place = place(graph, axis, crop_mode);
        weights(graph, axis, interpolation, &place);
    }

    // Bytes first: a photo of 24 megapixels has 294 MB as floats, and a phone has no room for two.
    graph.node("Transpose", "photo.byte_planes", &[PHOTO], [ints("perm", &[2, 0, 1])]);
    let to = [int("to", ElementType::Float as i64)];
    graph.node("Cast", "photo.planes", &["photo.byte_planes"], to);
    graph.node(
        "Transpose",
        "photo.width.across",
        &["photo.width.weights"],
        [ints("perm", &[1, 0])],
    );
    graph.node("MatMul", "photo.narrowed", &["photo.planes", "photo.width.across"], []);
    let narrowed = whole_levels(graph, "photo.narrowed");
    graph.node("MatMul", "photo.resized", &["photo.height.weights", &narrowed], []);
    let mut resized = whole_levels(graph, "photo.resized");
    if crop_mode == CropMode::Border {
        resized = with_border(graph, &resized, preprocessing.mean_level());
    }
    graph.floats("photo.mean", &[3, 1, 1], &mean);
    graph.floats("photo.std", &[3, 1, 1], &std);
    graph.node("Div", "photo.unit", &[&resized, "photo.white"], []);
    graph.node("Sub", "photo.centred", &["photo.unit", "photo.mean"], []);
    graph.node("Div", "photo.normalised", &["photo.centred", "photo.std"], []);
    graph.ints("photo.batch_axis", &[0]);
    graph.node("Unsqueeze", pixels, &["photo.normalised", "photo.batch_axis"], []);
}

/// Name of the length to which the resize brings one side, or both.
fn target_name(crop_mode: CropMode) -> &'static str {
    match crop_mode {
        CropMode::Center => "photo.short_side",
        CropMode::Squash => "photo.both_sides",
        CropMode::Border => "photo.long_side",
    }
}

/// Names of an axis's extent after the resize, and of the first row (or column) of the square in
/// it, which is negative above a border.
struct Place {
    resized: String,
    offset: String,
    has_border: bool,
}

/// Adds the extent of an axis after the resize and the offset of the square.
fn place(graph: &mut GraphBuilder, axis: &str, crop_mode: CropMode) -> Place {
    let named = |what: &str| format!("photo.{axis}.{what}");
    let extent = format!("photo.{axis}");
    let target = target_name(crop_mode);
    let resized = match crop_mode {
        // Truncated as in torchvision.
        CropMode::Center => {
            let scaled = graph.node("Mul", &named("scaled"), &[&extent, target], []);
            graph.node("Div", &named("resized"), &[&scaled, "photo.shorter"], [])
        }
        CropMode::Squash => target.into(),
        CropMode::Border => {
            let scaled = graph.node("Mul", &named("scaled"), &[&extent, target], []);
            let rounded = rounded_quotient(graph, &named("rounded"), &scaled, "photo.longer");
            graph.node("Max", &named("resized"), &[&rounded, "photo.one_int"], [])
        }
    };
    let has_border = crop_mode == CropMode::Border;
    let mut spare = graph.node("Sub", &named("spare"), &[&resized, "photo.side"], []);
    if has_border {
        spare = graph.node("Max", &named("surplus"), &[&spare, "photo.nothing"], []);
    }
    // Halves are rounded to even, as in Python's `round`.
    let floor = graph.node("Div", &named("floor"), &[&spare, "photo.two"], []);
    let odd = graph.node("Mod", &named("odd"), &[&floor, "photo.two"], []);
    let even = graph.node("Add", &named("even"), &[&spare, &odd], []);
    let mut offset = graph.node("Div", &named("offset"), &[&even, "photo.two"], []);
    if has_border {
        // timm puts the smaller half of the border first.
        let lack = graph.node("Sub", &named("lack"), &["photo.side", &resized], []);
        let lack = graph.node("Max", &named("border"), &[&lack, "photo.nothing"], []);
        let first = graph.node("Div", &named("first_border"), &[&lack, "photo.two"], []);
        offset = graph.node("Sub", &named("bordered_offset"), &[&offset, &first], []);
    }
    Place { resized, offset, has_border }
}

/// Adds the quotient of positive integers, rounded, halves to even.
fn rounded_quotient(graph: &mut GraphBuilder, name: &str, dividend: &str, divisor: &str) -> String {
    let step = |what: &str| format!("{name}.{what}");
    let floor = graph.node("Div", &step("floor"), &[dividend, divisor], []);
    let odd = graph.node("Mod", &step("odd"), &[&floor, "photo.two"], []);
    // (2 dividend + divisor - 1 + odd) / (2 divisor): a half goes up only from an odd number.
    let twice = graph.node("Mul", &step("twice"), &[dividend, "photo.two"], []);
    let raised = graph.node("Add", &step("raised"), &[&twice, divisor], []);
    let lowered = graph.node("Sub", &step("lowered"), &[&raised, "photo.one_int"], []);
    let sum = graph.node("Add", &step("sum"), &[&lowered, &odd], []);
    let whole = graph.node("Mul", &step("whole"), &[divisor, "photo.two"], []);
    graph.node("Div", name, &[&sum, &whole], [])
}

/// Replaces what lies outside of the photo with `colour`.
fn with_border(graph: &mut GraphBuilder, pixels: &str, colour: [u8; 3]) -> String {
    graph.node(
        "Transpose",
        "photo.width.inside_across",
        &["photo.width.inside"],
        [ints("perm", &[1, 0])],
    );
    let both = ["photo.height.inside", "photo.width.inside_across"];
    graph.node("Mul", "photo.inside_share", &both, []);
    graph.node("Greater", "photo.inside", &["photo.inside_share", "photo.half"], []);
    graph.floats("photo.border_colour", &[3, 1, 1], &colour.map(f32::from));
    graph.node("Where", "photo.bordered", &["photo.inside", pixels, "photo.border_colour"], [])
}

/// Adds `photo.<axis>.weights`, `[side, extent]`: the share of each row (or column) of the photo in
/// each row (or column) of the crop. With a border also `photo.<axis>.inside`, `[side, 1]`: 1 where
/// the row (or column) is the photo's, 0 where it is the border's.
fn weights(graph: &mut GraphBuilder, axis: &str, interpolation: Interpolation, place: &Place) {
    let named = |what: &str| format!("photo.{axis}.{what}");
    let extent = format!("photo.{axis}");
    let Place { resized, offset, has_border } = place;

    let to_float = |graph: &mut GraphBuilder, what: &str, from: &str| {
        graph.node("Cast", &named(what), &[from], [int("to", ElementType::Float as i64)])
    };
    // Distance between the middles of input pixel j and output pixel i, in steps of the filter. The
    // filter widens when the photo shrinks (antialiasing):
    // ((2j + 1) resized - (2i + 1) extent) / (2 max(extent, resized)).
    // Both products are measured from the middle of the photo. So they are exact in f32 wherever
    // the crop lies, and nothing overflows the 32-bit integers of rten.
    let first = graph.node("Sub", &named("first"), &["photo.one_int", &extent], []);
    let samples = graph.node("Range", &named("samples"), &[&first, &extent, "photo.two"], []);
    let samples = to_float(graph, "samples_f", &samples);
    let resized_f = to_float(graph, "resized_f", resized);
    let samples = graph.node("Mul", &named("scaled_samples"), &[&samples, &resized_f], []);
    let shift = graph.node("Mul", &named("shift"), &[offset, "photo.two"], []);
    let shift = graph.node("Sub", &named("centred_shift"), &[&shift, resized], []);
    let mut middles = graph.node("Add", &named("middles"), &["photo.middles", &shift], []);
    if *has_border {
        // Rows of the border repeat the photo's edge, so that their weights have a sum.
        let last = graph.node("Sub", &named("last"), &[resized, "photo.one_int"], []);
        let before = graph.node("Sub", &named("before"), &["photo.nothing", &last], []);
        let above = graph.node("Max", &named("above"), &[&middles, &before], []);
        let within = graph.node("Min", &named("within"), &[&above, &last], []);
        let is_own = graph.node("Equal", &named("is_own"), &[&middles, &within], []);
        to_float(graph, "inside", &is_own);
        middles = within;
    }
    let middles = to_float(graph, "middles_f", &middles);
    let extent_f = to_float(graph, "extent_f", &extent);
    let middles = graph.node("Mul", &named("scaled_middles"), &[&middles, &extent_f], []);
    let apart = graph.node("Sub", &named("apart"), &[&samples, &middles], []);
    let larger = graph.node("Max", &named("larger"), &[&extent_f, &resized_f], []);
    // One divisor per row: rten replaces division by a scalar with multiplication by its rounded
    // reciprocal, which rounds halves the other way.
    let step = graph.node("Mul", &named("step"), &[&larger, "photo.twos"], []);
    let x = graph.node("Div", &named("x"), &[&apart, &step], []);
    let x = graph.node("Abs", &named("distance"), &[&x], []);
    let filter = match interpolation {
        Interpolation::Bilinear => bilinear(graph, &named("bilinear"), &x),
        Interpolation::Bicubic => bicubic(graph, &named("bicubic"), &x),
    };
    let sum =
        graph.node("ReduceSum", &named("sum"), &[&filter, "photo.last_axis"], [int("keepdims", 1)]);
    graph.node("Div", &named("weights"), &[&filter, &sum], []);
}

/// Adds `max(1 - x, 0)`.
fn bilinear(graph: &mut GraphBuilder, name: &str, x: &str) -> String {
    let falling = graph.node("Sub", &format!("{name}.falling"), &["photo.one", x], []);
    graph.node("Max", name, &[&falling, "photo.zero"], [])
}

/// Adds cubic convolution with a = -0.5 by Horner's rule: `(1.5 x - 2.5) x^2 + 1` below 1,
/// `((0.5 (5 - x)) x - 4) x + 2` below 2, zero beyond.
fn bicubic(graph: &mut GraphBuilder, name: &str, x: &str) -> String {
    let polynomial = |graph: &mut GraphBuilder, part: &str, [first, rest @ ..]: [f32; 4]| {
        let mut value = graph.floats(&format!("{name}.{part}.c3"), &[], &[first]);
        for (power, coefficient) in [2, 1, 0].into_iter().zip(rest) {
            let step = |what: &str| format!("{name}.{part}.{what}{power}");
            let coefficient = graph.floats(&step("c"), &[], &[coefficient]);
            let product = graph.node("Mul", &step("times"), &[&value, x], []);
            value = graph.node("Add", &step("plus"), &[&product, &coefficient], []);
        }
        value
    };
    let near = polynomial(graph, "near", [1.5, -2.5, 0.0, 1.0]);
    let far = polynomial(graph, "far", [-0.5, 2.5, -4.0, 2.0]);
    let is_near = graph.node("Less", &format!("{name}.is_near"), &[x, "photo.one"], []);
    let is_far = graph.node("Less", &format!("{name}.is_far"), &[x, "photo.two_f"], []);
    let far = graph.node("Where", &format!("{name}.outer"), &[&is_far, &far, "photo.zero"], []);
    graph.node("Where", name, &[&is_near, &near, &far], [])
}

/// Rounds to the nearest integer, halves up, and clips to 0..=255, as in an 8-bit image.
fn whole_levels(graph: &mut GraphBuilder, name: &str) -> String {
    let raised = graph.node("Add", &format!("{name}.raised"), &[name, "photo.half"], []);
    let rounded = graph.node("Floor", &format!("{name}.rounded"), &[&raised], []);
    graph.node("Clip", &format!("{name}.levels"), &[&rounded, "photo.zero", "photo.white"], [])
}

/// Adds the nodes from `logits`, `[1, classes]`, to [`PROBABILITIES`] and [`LABEL`].
fn choose(graph: &mut GraphBuilder, logits: &str, temperature: f64) {
    let flat = graph.node("Squeeze", "choice.logits", &[logits, "photo.batch_axis"], []);
    let temperature = graph.floats("choice.temperature", &[], &[temperature as f32]);
    let scaled = graph.node("Div", "choice.scaled", &[&flat, &temperature], []);
    graph.node("Softmax", PROBABILITIES, &[&scaled], [int("axis", 0)]);
    graph.node("ArgMax", LABEL, &[&flat], [int("axis", 0), int("keepdims", 0)]);
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use kennel_data::prepare_pixels;

    use super::*;
    use crate::builder;
    use crate::{Input, RuntimeKind, Session, Values, write_model};

    /// A graph that contains only the preprocessing.
    fn preparation(preprocessing: &Preprocessing) -> ModelProto {
        let mut graph = GraphBuilder::new("preparation");
        graph.input(
            PHOTO,
            ElementType::Uint8,
            &[Extent::Named("height"), Extent::Named("width"), Extent::Fixed(3)],
        );
        prepare(&mut graph, preprocessing, "pixels");
        let side = Extent::Fixed(preprocessing.side_px as usize);
        graph.output(
            "pixels",
            ElementType::Float,
            &[Extent::Fixed(1), Extent::Fixed(3), side, side],
        );
        builder::model(graph.finish())
    }

    /// Compares the graph with the pixels of [`prepare_pixels`] in every runtime, for photos of
    /// these sizes. Returns the number of values and of those that are one level off.
    fn compared(preprocessing: &Preprocessing, sizes: &[(u32, u32)]) -> (usize, usize) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preparation.onnx");
        let (mut values, mut off) = (0_usize, 0_usize);
        let Preprocessing { mean, side_px, .. } = *preprocessing;
        let side = side_px as usize;
        write_model(&path, &preparation(preprocessing)).unwrap();
        for runtime in RuntimeKind::at_hand() {
            let mut session = Session::open(&path, runtime).unwrap();
            for &(width, height) in sizes {
                // Edges of full contrast and a slope, to exercise clipping and rounding.
                let photo = RgbImage::from_fn(width, height, |x, y| {
                    let edge = if (x / 7 + y / 5) % 2 == 0 { 250 } else { 3 };
                    image::Rgb([edge, (x * 255 / width) as u8, (x * 31 + y * 17) as u8])
                });
                let shape = [height as usize, width as usize, 3];
                let input =
                    Input { name: PHOTO, shape: &shape, values: Values::Bytes(photo.as_raw()) };
                let found = session.run(input, &["pixels"]).unwrap().remove(0).values;
                let expected = prepare_pixels(&photo, preprocessing);
                for (index, pixel) in expected.pixels().enumerate() {
                    for channel in 0..3 {
                        let unit = found[channel * side * side + index] + mean[channel];
                        let apart = (unit * 255.0 - f32::from(pixel.0[channel])).abs();
                        let mode = preprocessing.crop_mode.as_str();
                        assert!(
                            apart < 1.01,
                            "{runtime} {mode} {width}x{height}: {apart} levels at {index}"
                        );
                        values += 1;
                        off += usize::from(apart > 0.01);
                    }
                }
            }
        }
        (values, off)
    }

    /// ImageNet's mean colours the border; it is added again when pixels are compared.
    fn plain(crop_mode: CropMode, interpolation: Interpolation) -> Preprocessing {
        Preprocessing {
            crop_mode,
            std: [1.0; 3],
            ..Preprocessing::imagenet(64, 0.875, interpolation)
        }
    }

    #[test]
    fn the_graph_prepares_as_pillow_does_within_one_level() {
        const CENTER: [(u32, u32); 8] = [
            (64, 64),
            (73, 73),
            (74, 75),
            (200, 131),
            (97, 180),
            (40, 50),
            (640, 480),
            (40_000, 64),
        ];
        // Pillow resizes the height of tall photos first, as the module says.
        const SQUASH: [(u32, u32); 6] =
            [(64, 64), (73, 73), (74, 75), (200, 131), (40, 50), (640, 480)];
        const BORDER: [(u32, u32); 9] = [
            (64, 64),
            (74, 75),
            (200, 131),
            (97, 150),
            (40, 50),
            (640, 480),
            (640, 20),
            (3, 2),
            (73, 65),
        ];
        for (crop_mode, sizes) in [
            (CropMode::Center, CENTER.as_slice()),
            (CropMode::Squash, SQUASH.as_slice()),
            (CropMode::Border, BORDER.as_slice()),
        ] {
            let (mut values, mut off) = (0, 0);
            for interpolation in [Interpolation::Bicubic, Interpolation::Bilinear] {
                let found = compared(&plain(crop_mode, interpolation), sizes);
                (values, off) = (values + found.0, off + found.1);
            }
            println!("{}: {off} of {values} values are one level off", crop_mode.as_str());
            assert!(off * 200 < values, "{off} of {values}");
        }
    }
}
