//! The ONNX file of every architecture, and of a family that the zoo does not have, gives its
//! network's logits.

#[path = "../../models/tests/common/formula.rs"]
mod formula;
#[path = "../../models/tests/common/tokens/mod.rs"]
mod tokens;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{HeadInit, Interpolation, Task};
use kennel_export::{INPUT, OUTPUT, late_outputs, to_onnx, with_mirror, with_trunk, with_unknown};
use kennel_models::{
    Architecture, Network, NetworkGraph, RegularizationRates, apply_state_dict, architecture,
    architectures, describe, draw_network, is_buffer, state_dict, with_trainable,
};
use kennel_onnx::photo_input::{PHOTO, PROBABILITIES, with_photo_input};
use kennel_onnx::quantise::{calibrate, quantisable_layers, quantise, tensors_of};
use kennel_onnx::{
    Input, ModelProto, RuntimeKind, Session, UNKNOWN_SCORE, Values, half, write_model,
};
use kennel_unknown::{Gaussian, Unknown};

const CLASSES: usize = 7;
/// How far logits must vary from photo to photo, of the largest |logit|.
const LEAST_SPREAD: f32 = 0.02;

/// Returns a network with random weights and normalisation statistics that differ from the
/// identity's.
fn network(architecture: &Architecture) -> Network {
    let network =
        Network::new(architecture, CLASSES, RegularizationRates::default(), &Device::flex());
    let network = draw_network(network, HeadInit::FanIn, 7);
    let mut tensors = state_dict(&network);
    // With scales about 1, the 40 blocks of EfficientNetV2-S amplify a change of 1e-6 in the pixels
    // to 1e-2 in the logits.
    let is_v2 = architecture.name.starts_with("tf_efficientnetv2");
    let scales = if is_v2 { (0.5, 0.9) } else { (0.6, 1.4) };
    tensors.retain(|_, value| value.shape.len() == 1);
    for (name, value) in &mut tensors {
        let (low, high) = match name {
            name if name.ends_with("running_var") => (0.5, 2.0),
            name if name.ends_with("weight") => scales,
            _ => (-0.3, 0.3),
        };
        for (index, x) in value.data.iter_mut().enumerate() {
            *x = low + (high - low) * noise(index + name.len());
        }
    }
    let network = apply_state_dict(network, &tensors);
    let pixels = photos(7, architecture.test_side_px as usize);
    if spread(&expected(&network, &pixels)) < LEAST_SPREAD {
        with_statistics_of_photos(network)
    } else {
        network
    }
}

/// Gives the normalisations the statistics of some photos, so that every layer passes on what tells
/// photos apart. With drawn statistics the logits of an EfficientNet-B0 differ by 1e-4 from photo
/// to photo, those of an EfficientNetV2 by 1e-5, and no comparison could fail.
///
/// Networks of ReLU keep the drawn ones, because those of photos amplify rounding: the 100 layers
/// of a ResNet-101 to 3e-4. Small scales do the same for SiLU, which is nearly linear there.
fn with_statistics_of_photos(network: Network) -> Network {
    let mut scales = state_dict(&network);
    scales.retain(|name, value| value.shape.len() == 1 && name.ends_with(".weight"));
    scales.values_mut().flat_map(|value| &mut value.data).for_each(|x| *x *= 0.3);
    let start = |name: &str| if name.ends_with("running_var") { 1.0 } else { 0.0 };
    let mut statistics = state_dict(&network);
    statistics.retain(|name, _| is_buffer(name));
    for (name, value) in &mut statistics {
        value.data.fill(start(name));
    }
    let network = apply_state_dict(apply_state_dict(network, &scales), &statistics);
    let all: Vec<String> = network.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
    let training = with_trainable(network.clone(), &all);
    let pixels = photos(8, network.architecture().test_side_px as usize);
    let data = TensorData::new(pixels.clone(), shape_of(&network, &pixels));
    training.forward(Tensor::from_data(data, &Device::flex()));
    // One pass moves the running statistics a tenth of the way to those of the batch.
    let moved = state_dict(&training);
    for (name, value) in &mut statistics {
        let start = start(name);
        let moved = moved[name].data.iter().map(|x| start + (x - start) / 0.1);
        value.data = moved.collect();
    }
    apply_state_dict(network, &statistics)
}

/// Returns a pseudo-random number in [0, 1) for an index.
fn noise(i: usize) -> f32 {
    ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1 << 24) as f32
}

fn photos(count: usize, side: usize) -> Vec<f32> {
    formula::images("export", count, side)
}

fn expected(network: &Network, pixels: &[f32]) -> Vec<f32> {
    let data = TensorData::new(pixels.to_vec(), shape_of(network, pixels));
    let logits = network.infer(Tensor::<4>::from_data(data, &Device::flex()));
    logits.into_data().try_into_vec().unwrap()
}

/// Returns `[count, 3, side, side]` of pixels for a network.
fn shape_of(network: &Network, pixels: &[f32]) -> [usize; 4] {
    let side = network.architecture().test_side_px as usize;
    [pixels.len() / (3 * side * side), 3, side, side]
}

fn run(path: &Path, runtime: RuntimeKind, shape: [usize; 4], pixels: &[f32]) -> Vec<f32> {
    let input = Input { name: INPUT, shape: &shape, values: Values::Floats(pixels) };
    Session::open(path, runtime).unwrap().run(input, &[OUTPUT]).unwrap().remove(0).values
}

/// Returns the largest |difference| divided by the largest |value|.
fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0_f32, |most, x| if x > most || x.is_nan() { x } else { most }) / largest
}

/// Returns the widest range of one class's logit over the photos, divided by the largest |logit|.
fn spread(logits: &[f32]) -> f32 {
    let largest = logits.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let range = |class: usize| {
        let of_class = logits.chunks_exact(CLASSES).map(|logits| logits[class]);
        of_class.clone().fold(f32::MIN, f32::max) - of_class.fold(f32::MAX, f32::min)
    };
    (0..CLASSES).map(range).fold(0.0, f32::max) / largest
}

/// A network and its ONNX file.
struct Written {
    network: Network,
    described: NetworkGraph,
    model: ModelProto,
    path: PathBuf,
}

fn written(architecture: &Architecture, folder: &Path) -> Written {
    let network = network(architecture);
    let described = describe(&network, architecture.test_side_px);
    let model = to_onnx(&described, architecture.name, architecture.test_side_px, CLASSES);
    let path = folder.join(format!("{}.onnx", architecture.name));
    write_model(&path, &model).unwrap();
    Written { network, described, model, path }
}

/// Returns the names of the smallest network of each group, and of those that only tests have.
fn smallest() -> HashSet<&'static str> {
    let mut of_group: BTreeMap<&str, &Architecture> = BTreeMap::new();
    for architecture in architectures().iter().filter(|architecture| !architecture.is_miniature) {
        let smallest = of_group.entry(architecture.group).or_insert(architecture);
        if architecture.macs < smallest.macs {
            *smallest = architecture;
        }
    }
    let of_tests = tokens::architectures();
    let all = of_group.into_values().chain(&of_tests);
    all.map(|architecture| architecture.name).collect()
}

#[test]
fn logits_are_the_networks_for_every_architecture_and_batch() {
    let dir = tempfile::tempdir().unwrap();
    let smallest = smallest();
    for architecture in architectures().iter().chain(&tokens::architectures()) {
        let (name, side) = (architecture.name, architecture.test_side_px as usize);
        let Written { network, path, .. } = written(architecture, dir.path());
        let spread = spread(&expected(&network, &photos(7, side)));
        println!("{name}: logits vary by {spread:.2} of the largest from photo to photo");
        assert!(spread >= LEAST_SPREAD, "{name}: {spread:e}");
        for runtime in RuntimeKind::at_hand() {
            let batches = if smallest.contains(name) { &[1, 2, 7][..] } else { &[2] };
            for &batch in batches {
                let pixels = photos(batch, side);
                let found = run(&path, runtime, shape_of(&network, &pixels), &pixels);
                let apart = apart(&found, &expected(&network, &pixels));
                println!("{name} in {runtime}, batch {batch}: {apart:.1e}");
                assert!(apart <= 1e-4, "{name} in {runtime}, batch {batch}: {apart:e}");
            }
        }
    }
}

#[test]
fn sixteen_bit_floats_and_eight_bit_integers_stay_near() {
    let dir = tempfile::tempdir().unwrap();
    for name in
        ["resnet18", "efficientnet_b0", "mobilenetv2_100", "vit_tiny_patch16_224", "convnext_atto"]
    {
        let architecture = architecture(name).unwrap();
        let side = architecture.test_side_px as usize;
        let Written { network, described, model, path } = written(architecture, dir.path());
        let size = |path: &Path| std::fs::metadata(path).unwrap().len() as f64;
        let float_size = size(&path);
        let pixels = photos(4, side);
        let shape = shape_of(&network, &pixels);
        let float = expected(&network, &pixels);
        let smaller = dir.path().join("smaller.onnx");

        write_model(&smaller, &half::to_half(&model).unwrap()).unwrap();
        assert!(size(&smaller) < 0.52 * float_size, "{name}: {} of {float_size}", size(&smaller));
        for runtime in RuntimeKind::at_hand() {
            let apart = apart(&run(&smaller, runtime, shape, &pixels), &float);
            println!("{name}, fp16 in {runtime}: {apart:.4}");
            assert!(apart < 0.005, "{name}, fp16 in {runtime}: {apart}");
        }

        let layers = quantisable_layers(model.graph.as_ref().unwrap(), &described.kept_in_float());
        let layers: Vec<_> = layers.into_iter().filter(|layer| !layer.stays_float).collect();
        let tensors = tensors_of(&layers);
        let samples: Vec<Vec<f32>> = pixels.chunks(3 * side * side).map(<[f32]>::to_vec).collect();
        let ranges = calibrate(&path, INPUT, side, &tensors, &samples, Task::unwatched()).unwrap();
        write_model(&smaller, &quantise(&model, &layers, &ranges).unwrap()).unwrap();
        assert!(size(&smaller) < 0.42 * float_size, "{name}: {} of {float_size}", size(&smaller));
        for runtime in RuntimeKind::at_hand() {
            let found = run(&smaller, runtime, shape, &pixels);
            let apart = apart(&found, &float);
            println!("{name}, int8 in {runtime}: {apart:.3}");
            assert!(apart < 0.15, "{name}, int8 in {runtime}: {apart}");
        }
    }
}

#[test]
fn a_graph_that_takes_photos_says_what_the_network_says_of_them() {
    use kennel_core::Preprocessing;
    use kennel_data::{RgbImage, resize::prepare};

    let dir = tempfile::tempdir().unwrap();
    let architecture = architecture("mobilenetv2_100").unwrap();
    let Written { network, model, .. } = written(architecture, dir.path());
    let preprocessing =
        Preprocessing::imagenet(architecture.test_side_px, 0.875, Interpolation::Bicubic);
    let path = dir.path().join("photo.onnx");
    write_model(&path, &with_photo_input(&model, &preprocessing, 2.0, CLASSES).unwrap()).unwrap();
    let photo = RgbImage::from_fn(120, 90, |x, y| {
        image::Rgb([(x * 2) as u8, (y * 2) as u8, (x + y) as u8])
    });
    let logits = expected(&network, &prepare(&photo, &preprocessing));
    let expected = kennel_metrics::softmax_at(&logits, 2.0);
    for runtime in RuntimeKind::at_hand() {
        let input =
            Input { name: PHOTO, shape: &[90, 120, 3], values: Values::Bytes(photo.as_raw()) };
        let outputs =
            Session::open(&path, runtime).unwrap().run(input, &[PROBABILITIES, "label"]).unwrap();
        assert_eq!(outputs[0].values.len(), CLASSES);
        for (found, expected) in outputs[0].values.iter().zip(&expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 5e-3,
                "{runtime}: {found} and {expected}"
            );
        }
        assert_eq!(outputs[1].values, [kennel_metrics::argmax(&logits) as f32], "{runtime}");
    }
}

/// Networks whose graphs are given mirror images: one of convolutions, one of tokens.
const MIRRORED: [&str; 2] = ["mobilenetv2_100", "vit_tiny_patch16_224"];

#[test]
fn a_graph_with_mirror_images_gives_the_mean_of_its_own_two_passes_in_every_precision() {
    let dir = tempfile::tempdir().unwrap();
    for name in MIRRORED {
        let architecture = architecture(name).unwrap();
        let side = architecture.test_side_px as usize;
        let Written { network, described, model, path } = written(architecture, dir.path());
        let layers = quantisable_layers(model.graph.as_ref().unwrap(), &described.kept_in_float());
        let layers: Vec<_> = layers.into_iter().filter(|layer| !layer.stays_float).collect();
        let pixels = photos(4, side);
        let samples: Vec<Vec<f32>> = pixels.chunks(3 * side * side).map(<[f32]>::to_vec).collect();
        let tensors = tensors_of(&layers);
        let ranges = calibrate(&path, INPUT, side, &tensors, &samples, Task::unwatched()).unwrap();
        let of_both = dir.path().join("both.onnx");
        for (precision, model) in [
            ("fp16", half::to_half(&model).unwrap()),
            ("int8", quantise(&model, &layers, &ranges).unwrap()),
            ("float", model),
        ] {
            write_model(&path, &model).unwrap();
            let model = with_mirror(model, CLASSES);
            let nodes = &model.graph.as_ref().unwrap().node;
            let names: HashSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
            assert_eq!(names.len(), nodes.len(), "{name}, {precision}: a name stands twice");
            write_model(&of_both, &model).unwrap();
            for (runtime, batch) in RuntimeKind::at_hand()
                .flat_map(|runtime| [(runtime, 1), (runtime, 2), (runtime, 7)])
            {
                let pixels = photos(batch, side);
                let shape = shape_of(&network, &pixels);
                let mirrored: Vec<f32> =
                    pixels.chunks(side).flat_map(|row| row.iter().rev().copied()).collect();
                let [one, other] =
                    [&pixels, &mirrored].map(|pixels| run(&path, runtime, shape, pixels));
                let mean: Vec<f32> = one.iter().zip(&other).map(|(a, b)| (a + b) / 2.0).collect();
                let apart = apart(&run(&of_both, runtime, shape, &pixels), &mean);
                println!("{name}, {precision} in {runtime}, batch {batch}: {apart:.1e}");
                assert!(apart <= 1e-4, "{name}, {precision} in {runtime}: {apart:e}");
            }
        }
    }
}

#[test]
fn unknown_scores_are_the_networks_for_every_family() {
    let dir = tempfile::tempdir().unwrap();
    let smallest = smallest();
    let of_tests = tokens::architectures();
    let chosen = architectures().iter().chain(&of_tests).filter(|architecture| {
        smallest.contains(architecture.name) || MIRRORED.contains(&architecture.name)
    });
    for architecture in chosen {
        let (name, side) = (architecture.name, architecture.test_side_px as usize);
        let Written { network, described, model, path } = written(architecture, dir.path());
        let pixels = photos(3, side);
        let shape = shape_of(&network, &pixels);
        let data = TensorData::new(pixels.clone(), shape);
        let (logits, features) =
            network.infer_with_late_features(Tensor::from_data(data, &Device::flex()));
        let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
        assert!(logits == expected(&network, &pixels), "{name}: other logits");
        let width = features.dims()[1];
        let features: Vec<f32> = features.into_data().try_into_vec().unwrap();
        let rank = 3;
        let mut axes = vec![0.0; rank * width];
        (0..rank).for_each(|axis| axes[axis * width + 2 * axis] = 1.0);
        let known = Gaussian {
            mean: (0..width).map(|feature| noise(feature) - 0.5).collect(),
            axes,
            variances: vec![4.0, 1.0, 0.5],
            rest: 0.25,
        };
        let scores: Vec<f32> =
            features.chunks_exact(width).map(|row| known.score(row) as f32).collect();
        let unknown = Unknown { known, share: 0.01, threshold: 1.0 };
        // By its own tensors, and by those of a network beside it: here the same one.
        let late = late_outputs(&described);
        let mut graphs = vec![(model.clone(), late.clone(), false)];
        if MIRRORED.contains(&name) {
            graphs.push((with_mirror(model.clone(), CLASSES), late, true));
        }
        let (beside, late) = with_trunk(model, &described, side as u32);
        graphs.push((beside, late, false));
        for (model, late, is_doubled) in graphs {
            let model = with_unknown(&model, &late, &unknown, false, is_doubled).unwrap();
            write_model(&path, &model).unwrap();
            for runtime in RuntimeKind::at_hand() {
                let input = Input { name: INPUT, shape: &shape, values: Values::Floats(&pixels) };
                let mut session = Session::open(&path, runtime).unwrap();
                let found = session.run(input, &[OUTPUT, UNKNOWN_SCORE]).unwrap().remove(1).values;
                let apart = apart(&found, &scores);
                println!("{name} in {runtime}: {apart:.1e}");
                assert!(apart <= 1e-3, "{name} in {runtime}: {apart:e}");
            }
        }
    }
}
