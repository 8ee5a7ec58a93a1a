//! The family in the zoo.

use super::{RegNet, RegNetConfig};
use crate::architecture::{Architecture, Constructor, HeadDraw};

/// Returns the family's architectures. `tests/zoo.rs` checks parameters and multiply-accumulates
/// against timm 1.0.31 and PyTorch's flop counter.
pub fn architectures() -> Vec<Architecture> {
    // The paper derives depths and widths from a line (section 3.3); these are its results.
    let y16 = RegNetConfig { depths: [2, 6, 17, 2], widths: [48, 120, 336, 888], group_width: 24 };
    let y32 = RegNetConfig { depths: [2, 5, 13, 1], widths: [72, 216, 576, 1512], group_width: 24 };
    Architecture::grouped(
        "RegNetY",
        "accuracy, fast on GPUs",
        [
            regnet("regnety_016", y16, 11_202_430, 1_612_076_160),
            regnet("regnety_032", y32, 19_436_338, 3_176_482_752),
        ],
    )
    .collect()
}

fn regnet(name: &'static str, config: RegNetConfig, parameters: u64, macs: u64) -> Architecture {
    Architecture {
        name,
        group: "",
        good_for: "",
        head: "head.fc",
        first_conv: "stem.conv",
        global_pool: "avg",
        timm_head: HeadDraw::Narrow { deviation: 0.01 },
        side_px: 224,
        side_step_px: 1,
        test_side_px: 72,
        micro_batch: 4,
        is_miniature: false,
        parameters,
        macs,
        constructor: Constructor::new(move |classes, rates, device| {
            RegNet::new(config, classes, rates, device)
        }),
    }
}
