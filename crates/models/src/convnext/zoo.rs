//! The family in the zoo.

use kennel_kernels::Activation;

use super::ConvNext;
use super::config::ConvNextConfig;
use crate::architecture::{Architecture, Constructor, HeadDraw};

/// Returns the family's architectures. `tests/zoo.rs` checks parameters and multiply-accumulates
/// against timm 1.0.31 and PyTorch's flop counter.
pub fn architectures() -> Vec<Architecture> {
    let v1 = |depths, width| ConvNextConfig {
        depths,
        widths: [width, 2 * width, 4 * width, 8 * width],
        is_v2: false,
        has_conv_mlp: false,
        activation: Activation::Gelu,
        eps: 1e-6,
    };
    let v2 = |config| ConvNextConfig { is_v2: true, ..config };
    // timm's own small networks store their perceptrons as convolutions.
    let atto = ConvNextConfig { has_conv_mlp: true, ..v1([2, 2, 6, 2], 40) };
    let nano = ConvNextConfig { has_conv_mlp: true, ..v1([2, 2, 8, 2], 80) };
    let tiny = v1([3, 3, 9, 3], 96);
    let test = ConvNextConfig {
        widths: [24, 32, 48, 64],
        activation: Activation::GeluTanh,
        eps: 1e-5,
        ..v1([1, 2, 4, 2], 24)
    };
    let v1s = Architecture::grouped(
        "ConvNeXt",
        "the best convolutions",
        [
            convnext("convnext_atto", atto, 3_695_520, 547_332_480),
            convnext("convnext_nano", nano, 15_593_560, 2_445_528_320),
            convnext("convnext_tiny", tiny, 28_589_128, 4_455_531_264),
            convnext("convnext_small", v1([3, 3, 27, 3], 96), 50_223_688, 8_683_712_256),
            convnext("convnext_base", v1([3, 3, 27, 3], 128), 88_591_464, 15_354_729_472),
        ],
    );
    let v2s = Architecture::grouped(
        "ConvNeXt V2",
        "the best convolutions",
        [
            convnext("convnextv2_atto", v2(atto), 3_708_400, 547_332_480),
            convnext("convnextv2_nano", v2(nano), 15_623_800, 2_445_528_320),
            convnext("convnextv2_tiny", v2(tiny), 28_635_496, 4_455_531_264),
        ],
    );
    let miniatures = Architecture::grouped(
        "miniatures",
        "trying things out",
        [Architecture {
            is_miniature: true,
            side_px: 160,
            ..convnext("test_convnext", test, 272_128, 31_228_800)
        }],
    );
    v1s.chain(v2s).chain(miniatures).collect()
}

fn convnext(
    name: &'static str,
    config: ConvNextConfig,
    parameters: u64,
    macs: u64,
) -> Architecture {
    Architecture {
        name,
        group: "",
        good_for: "",
        head: "head.fc",
        first_conv: "stem.0",
        global_pool: "avg",
        timm_head: HeadDraw::Narrow { deviation: 0.02 },
        side_px: 224,
        side_step_px: 1,
        test_side_px: 72,
        micro_batch: 4,
        is_miniature: false,
        parameters,
        macs,
        constructor: Constructor::new(move |classes, rates, device| {
            ConvNext::new(config, classes, rates, device)
        }),
    }
}
