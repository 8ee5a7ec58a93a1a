//! Compares every architecture with timm: same names, same logits. Fixtures:
//! `tools/fixtures/zoo.py`.

#[path = "common/formula.rs"]
mod formula;
#[path = "common/golden.rs"]
mod golden;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use golden::Golden;
use kennel_models::{
    Network, RegularizationRates, StateDict, TensorValue, apply_state_dict, architecture,
    architectures, is_buffer, is_under, state_dict, with_trainable,
};

const CLASSES: usize = 10;
const BATCH: usize = 4;

struct Fixture {
    side: usize,
    logits_eval: Vec<f32>,
    logits_train: Vec<f32>,
    running: StateDict,
    parameters: u64,
    state_dict_5_sha256: String,
}

fn read_fixture(arch: &str) -> Fixture {
    let golden = Golden::read("zoo", arch);
    let metadata = &golden.metadata;
    let running = golden.values("running");
    let order: Vec<(String, usize)> = serde_json::from_str(&metadata["running_order"]).unwrap();
    let mut rest = running.as_slice();
    let mut named = StateDict::new();
    for (name, length) in order {
        let (head, tail) = rest.split_at(length);
        named.insert(name, TensorValue { shape: vec![length], data: head.to_vec() });
        rest = tail;
    }
    assert!(rest.is_empty());
    Fixture {
        side: metadata["side"].parse().unwrap(),
        logits_eval: golden.values("logits_eval"),
        logits_train: golden.values("logits_train"),
        running: named,
        parameters: metadata["parameters_1000"].parse().unwrap(),
        state_dict_5_sha256: metadata["state_dict_5_sha256"].clone(),
    }
}

/// Largest difference, as a share of the largest expected value.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    found.iter().zip(expected).fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

fn network(arch: &str, classes: usize) -> Network {
    let network = Network::new(
        architecture(arch).unwrap(),
        classes,
        RegularizationRates::default(),
        &Device::flex(),
    );
    let weights = formula::weights(&state_dict(&network));
    apply_state_dict(network, &weights)
}

fn images(side: usize) -> Tensor<4> {
    let data = TensorData::new(formula::images("input", BATCH, side), [BATCH, 3, side, side]);
    Tensor::from_data(data, &Device::flex())
}

fn logits(network: &Network, side: usize) -> Vec<f32> {
    network.forward(images(side)).into_data().try_into_vec::<f32>().unwrap()
}

#[test]
fn logits_in_evaluation_mode_are_those_of_timm() {
    for architecture in architectures() {
        let arch = architecture.name;
        let fixture = read_fixture(arch);
        // A network that ignores its input would pass any comparison: the logits must depend on the
        // image.
        let largest = fixture.logits_eval.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        let spread = (0..CLASSES)
            .map(|class| {
                let of_class = (0..BATCH).map(|image| fixture.logits_eval[image * CLASSES + class]);
                of_class.clone().fold(f32::MIN, f32::max) - of_class.fold(f32::MAX, f32::min)
            })
            .fold(0.0, f32::max);
        assert!(spread >= 0.01 * largest, "{arch}: logits spread over {spread} of {largest}");
        let network = apply_state_dict(network(arch, CLASSES), &fixture.running);
        let found = difference(&logits(&network, fixture.side), &fixture.logits_eval);
        println!("{arch}: {found:.1e} of max |logit| in evaluation mode");
        // PyTorch's own two layouts differ by 2e-4 on the two deepest ones
        // (fixtures/zoo/README.md).
        let tolerance = if matches!(arch, "resnet101" | "resnet152") { 1e-3 } else { 1e-4 };
        assert!(found <= tolerance, "{arch}: {found:.1e} of max |logit|");
    }
}

#[test]
fn logits_in_training_mode_are_those_of_timm() {
    for architecture in architectures() {
        let arch = architecture.name;
        let fixture = read_fixture(arch);
        if fixture.running.is_empty() {
            continue;
        }
        let tolerance = layouts_in_training_mode(arch).max(1e-4);
        let stages: Vec<String> =
            network(arch, CLASSES).stages().into_iter().flat_map(|stage| stage.prefixes).collect();
        let network = with_trainable(network(arch, CLASSES), &stages);
        let found = difference(&logits(&network, fixture.side), &fixture.logits_train);
        println!("{arch}: {found:.1e} of max |logit| in training mode");
        assert!(found <= tolerance, "{arch}: {found:.1e} of max |logit|");
        // With PyTorch's momentum of 0.1, one pass moves the statistics a tenth of the way to the
        // batch's own.
        let state = state_dict(&network);
        for (name, expected) in &fixture.running {
            let start = if name.ends_with("running_var") { 1.0 } else { 0.0 };
            let blended: Vec<f32> = expected.data.iter().map(|x| 0.9 * start + 0.1 * x).collect();
            // bf16 has 8 bits of mantissa: the fixture is within 0.4 % of the statistics.
            let found = difference(&state[name].data, &blended);
            assert!(found <= 4e-3, "{arch}: {name} is {found:.1e} off");
        }
    }
}

/// How far PyTorch's own two memory layouts differ in training mode, of max |logit|.
fn layouts_in_training_mode(arch: &str) -> f32 {
    let table = include_str!("fixtures/zoo/README.md").lines().filter(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> = table.map(|line| line.split('|').map(str::trim).collect()).collect();
    let column = rows[0].iter().position(|head| *head == "train layouts").unwrap();
    rows.iter().find(|row| row[1] == arch).unwrap()[column].parse().unwrap()
}

#[test]
fn names_shapes_and_sizes_are_those_of_timm() {
    for architecture in architectures() {
        let arch = architecture.name;
        let fixture = read_fixture(arch);
        let state = state_dict(&network(arch, 5));
        let lines: String =
            state.iter().map(|(name, value)| format!("{name} {:?}\n", value.shape)).collect();
        let digest = kennel_core::files::sha256_bytes(lines.as_bytes());
        assert_eq!(digest, fixture.state_dict_5_sha256, "{arch}:\n{lines}");
        assert_eq!(architecture.parameters, fixture.parameters, "{arch}");
        let row = include_str!("fixtures/zoo/params_macs.tsv")
            .lines()
            .find(|line| line.starts_with(&format!("{arch}\t")))
            .unwrap();
        let side = architecture.side_px;
        assert_eq!(side, architecture.default_tag().preprocessing.side_px, "{arch}");
        assert_eq!(
            row,
            format!("{arch}\t{side}\t{}\t{}", architecture.parameters, architecture.macs)
        );
        let counted: usize = state_dict(&network(arch, 1000))
            .iter()
            .filter(|(name, _)| !is_buffer(name))
            .map(|(_, value)| value.data.len())
            .sum();
        assert_eq!(counted as u64, fixture.parameters, "{arch}");
    }
}

#[test]
fn every_stage_owns_its_tensors_and_no_other() {
    for architecture in architectures() {
        let network =
            Network::new(architecture, 5, RegularizationRates::default(), &Device::flex());
        let stages = network.stages();
        for name in state_dict(&network).keys() {
            let owners = stages.iter().filter(|stage| stage.owns(name)).count();
            assert_eq!(owners, 1, "{}: {name}", architecture.name);
            let owns = |layer: &&Vec<String>| layer.iter().any(|prefix| is_under(name, prefix));
            let layers = network.rate_layers();
            let owners = layers.iter().filter(owns).count();
            let is_head = is_under(name, network.head());
            assert!(owners <= usize::from(!is_head), "{}: {name}", architecture.name);
        }
        let partial = network.partial();
        network.check_parts(architecture.name, &partial).unwrap();
        assert_eq!(partial.last().map(String::as_str), Some(network.head()));
        assert_eq!(stages.last().unwrap().prefixes, [network.head()]);
        let first_conv = format!("{}.weight", architecture.first_conv);
        assert_eq!(state_dict(&network)[&first_conv].shape[1], 3, "{}", architecture.name);
        assert!(network.num_params() > 0);
    }
}
