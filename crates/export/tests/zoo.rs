//! The ONNX file of every architecture gives its network's logits.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{HeadInit, Interpolation, Task};
use kennel_export::{INPUT, OUTPUT, to_onnx};
use kennel_models::{
    Network, RegularizationRates, apply_state_dict, architecture, architectures, describe, draw_network,
    state_dict,
};
use kennel_onnx::photo_input::{PHOTO, PROBABILITIES, with_photo_input};
use kennel_onnx::quantise::{calibrate, quantisable_layers, quantise, tensors_of};
use kennel_onnx::{Input, ModelProto, RuntimeKind, Session, Values, half, write_model};

/// Feature maps get odd sides on the way down, so that pooling windows hang over their edges.
const SIDE: usize = 72;
const CLASSES: usize = 7;

/// Returns a network with random weights and normalisation statistics that differ from the
/// identity's.
fn network(name: &str) -> Network {
    let architecture = architecture(name).unwrap();
    let network = Network::new(architecture, CLASSES, RegularizationRates::default(), &Device::flex());
    let network = draw_network(network, architecture, HeadInit::FanIn, 7);
    let mut tensors = state_dict(&network);
    tensors.retain(|_, value| value.shape.len() == 1);
    for (name, value) in &mut tensors {
        let (low, high) = match name {
            name if name.ends_with("running_var") => (0.5, 2.0),
            name if name.ends_with("weight") => (0.6, 1.4),
            _ => (-0.3, 0.3),
        };
        for (index, x) in value.data.iter_mut().enumerate() {
            *x = low + (high - low) * noise(index + name.len());
        }
    }
    apply_state_dict(network, &tensors)
}

/// Returns a pseudo-random number in [0, 1) for an index.
fn noise(i: usize) -> f32 {
    ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1 << 24) as f32
}

fn photos(count: usize) -> Vec<f32> {
    (0..count * 3 * SIDE * SIDE).map(|i| 4.0 * noise(i) - 2.0).collect()
}

fn expected(network: &Network, pixels: &[f32]) -> Vec<f32> {
    let count = pixels.len() / (3 * SIDE * SIDE);
    let data = TensorData::new(pixels.to_vec(), [count, 3, SIDE, SIDE]);
    let logits = network.infer(Tensor::<4>::from_data(data, &Device::flex()));
    logits.into_data().try_into_vec().unwrap()
}

fn run(path: &Path, runtime: RuntimeKind, pixels: &[f32]) -> Vec<f32> {
    let shape = [pixels.len() / (3 * SIDE * SIDE), 3, SIDE, SIDE];
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

fn file_of(name: &str, folder: &Path) -> (Network, ModelProto, std::path::PathBuf) {
    let network = network(name);
    let model = to_onnx(&describe(&network), name, SIDE as u32, CLASSES);
    let path = folder.join(format!("{name}.onnx"));
    write_model(&path, &model).unwrap();
    (network, model, path)
}

#[test]
fn logits_are_the_networks_for_every_family_and_batch() {
    let dir = tempfile::tempdir().unwrap();
    for architecture in architectures() {
        let name = architecture.name;
        let (network, _, path) = file_of(name, dir.path());
        for runtime in RuntimeKind::at_hand() {
            for batch in [1, 2, 7] {
                let pixels = photos(batch);
                let apart = apart(&run(&path, runtime, &pixels), &expected(&network, &pixels));
                println!("{name} in {runtime}, batch {batch}: {apart:.1e}");
                assert!(apart <= 1e-4, "{name} in {runtime}, batch {batch}: {apart:e}");
            }
        }
    }
}

#[test]
fn sixteen_bit_floats_and_eight_bit_integers_stay_near() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["resnet18", "efficientnet_b0", "mobilenetv2_100"] {
        let (network, model, path) = file_of(name, dir.path());
        let size = |path: &Path| std::fs::metadata(path).unwrap().len() as f64;
        let float_size = size(&path);
        let pixels = photos(4);
        let float = expected(&network, &pixels);
        let smaller = dir.path().join("smaller.onnx");

        write_model(&smaller, &half::to_half(&model).unwrap()).unwrap();
        assert!(size(&smaller) < 0.52 * float_size, "{name}: {} of {float_size}", size(&smaller));
        for runtime in RuntimeKind::at_hand() {
            let apart = apart(&run(&smaller, runtime, &pixels), &float);
            println!("{name}, fp16 in {runtime}: {apart:.4}");
            assert!(apart < 0.005, "{name}, fp16 in {runtime}: {apart}");
        }

        let layers = quantisable_layers(model.graph.as_ref().unwrap());
        let layers: Vec<_> = layers.into_iter().filter(|layer| !layer.stays_float).collect();
        let tensors = tensors_of(&layers);
        let samples: Vec<Vec<f32>> = pixels.chunks(3 * SIDE * SIDE).map(<[f32]>::to_vec).collect();
        let ranges = calibrate(&path, INPUT, SIDE, &tensors, &samples, Task::unwatched()).unwrap();
        write_model(&smaller, &quantise(&model, &layers, &ranges).unwrap()).unwrap();
        assert!(size(&smaller) < 0.42 * float_size, "{name}: {} of {float_size}", size(&smaller));
        for runtime in RuntimeKind::at_hand() {
            let found = run(&smaller, runtime, &pixels);
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
    let (network, model, _) = file_of("mobilenetv2_100", dir.path());
    let preprocessing = Preprocessing::imagenet(SIDE as u32, 0.875, Interpolation::Bicubic);
    let path = dir.path().join("photo.onnx");
    write_model(&path, &with_photo_input(&model, &preprocessing, 2.0, CLASSES).unwrap()).unwrap();
    let photo = RgbImage::from_fn(120, 90, |x, y| image::Rgb([(x * 2) as u8, (y * 2) as u8, (x + y) as u8]));
    let logits = expected(&network, &prepare(&photo, &preprocessing));
    let expected = kennel_metrics::softmax_at(&logits, 2.0);
    for runtime in RuntimeKind::at_hand() {
        let input = Input { name: PHOTO, shape: &[90, 120, 3], values: Values::Bytes(photo.as_raw()) };
        let outputs = Session::open(&path, runtime).unwrap().run(input, &[PROBABILITIES, "label"]).unwrap();
        assert_eq!(outputs[0].values.len(), CLASSES);
        for (found, expected) in outputs[0].values.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 5e-3, "{runtime}: {found} and {expected}");
        }
        assert_eq!(outputs[1].values, [kennel_metrics::argmax(&logits) as f32], "{runtime}");
    }
}
