//! The family in the zoo.

use super::{
    EfficientNet, EfficientNetConfig, efficientnet, mobilenetv2, mobilenetv3_large,
    mobilenetv3_small, test_efficientnet,
};
use crate::architecture::{Architecture, Constructor, HeadDraw};

/// Returns the family's architectures. `tests/zoo.rs` checks parameters and multiply-accumulates
/// against timm 1.0.31 and PyTorch's flop counter.
pub fn architectures() -> Vec<Architecture> {
    let b = |width, depth| move || efficientnet(width, depth);
    vec![
        network("efficientnet_b0", b(1.0, 1.0), 224, 5_288_548, 385_814_752),
        network("efficientnet_b1", b(1.0, 1.1), 240, 7_794_184, 686_802_832),
        network("efficientnet_b2", b(1.1, 1.2), 256, 9_109_994, 859_853_760),
        network("efficientnet_b3", b(1.2, 1.4), 288, 12_233_232, 1_589_198_096),
        network("efficientnet_b4", b(1.4, 1.8), 320, 19_341_616, 3_063_687_008),
        network("mobilenetv2_100", mobilenetv2, 224, 3_504_872, 300_774_272),
        network("mobilenetv3_small_100", mobilenetv3_small, 224, 2_542_856, 56_510_400),
        network("mobilenetv3_large_100", mobilenetv3_large, 224, 5_483_032, 216_589_760),
        Architecture {
            is_miniature: true,
            ..network("test_efficientnet", test_efficientnet, 160, 356_196, 57_304_256)
        },
    ]
}

fn network(
    name: &'static str,
    config: impl Fn() -> EfficientNetConfig + Send + Sync + 'static,
    side_px: u32,
    parameters: u64,
    macs: u64,
) -> Architecture {
    Architecture {
        name,
        head: "classifier",
        first_conv: "conv_stem",
        global_pool: "avg",
        timm_head: HeadDraw::FanOut,
        side_px,
        is_side_fixed: false,
        test_side_px: 72,
        micro_batch: 1,
        is_miniature: false,
        parameters,
        macs,
        constructor: Constructor::new(move |classes, rates, device| {
            EfficientNet::new(&config(), classes, rates, device)
        }),
    }
}
