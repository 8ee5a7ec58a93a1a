//! The family in the zoo.

use super::EfficientNet;
use super::definitions::{
    EfficientNetConfig, efficientnet, efficientnet_lite, efficientnetv2_base, efficientnetv2_m,
    efficientnetv2_s, mobilenetv2, mobilenetv3_large, mobilenetv3_small, mobilenetv4_medium,
    mobilenetv4_small, test_efficientnet,
};
use crate::architecture::{Architecture, Constructor, HeadDraw};

/// Returns the family's architectures. `tests/zoo.rs` checks parameters and multiply-accumulates
/// against timm 1.0.31 and PyTorch's flop counter.
pub fn architectures() -> Vec<Architecture> {
    let b = |width, depth| move || efficientnet(width, depth);
    let tf_b = |width, depth| move || efficientnet(width, depth).of_tensorflow();
    let tf_lite = |width, depth| move || efficientnet_lite(width, depth).of_tensorflow();
    let v2_b = |width, depth| move || efficientnetv2_base(width, depth);
    let lite0 = || efficientnet_lite(1.0, 1.0);
    let efficientnets = Architecture::grouped(
        "EfficientNet",
        "accuracy with few weights",
        [
            network("efficientnet_b0", b(1.0, 1.0), 224, 5_288_548, 385_814_752),
            network("efficientnet_b1", b(1.0, 1.1), 240, 7_794_184, 686_802_832),
            network("efficientnet_b2", b(1.1, 1.2), 256, 9_109_994, 859_853_760),
            network("efficientnet_b3", b(1.2, 1.4), 288, 12_233_232, 1_589_198_096),
            network("efficientnet_b4", b(1.4, 1.8), 320, 19_341_616, 3_063_687_008),
            network("tf_efficientnet_b0", tf_b(1.0, 1.0), 224, 5_288_548, 385_814_752),
            network("tf_efficientnet_b1", tf_b(1.0, 1.1), 240, 7_794_184, 686_802_832),
            network("tf_efficientnet_b2", tf_b(1.1, 1.2), 260, 9_109_994, 993_561_872),
            network("tf_efficientnet_b3", tf_b(1.2, 1.4), 300, 12_233_232, 1_827_141_392),
            network("tf_efficientnet_b4", tf_b(1.4, 1.8), 380, 19_341_616, 4_393_771_024),
        ],
    );
    let lites = Architecture::grouped(
        "EfficientNet-Lite",
        "phones, 8-bit files",
        [
            network("efficientnet_lite0", lite0, 224, 4_652_008, 385_187_552),
            network("tf_efficientnet_lite0", tf_lite(1.0, 1.0), 224, 4_652_008, 385_187_552),
            network("tf_efficientnet_lite1", tf_lite(1.0, 1.1), 240, 5_416_680, 600_185_232),
            network("tf_efficientnet_lite2", tf_lite(1.1, 1.2), 260, 6_092_072, 859_736_272),
        ],
    );
    let v2s = Architecture::grouped(
        "EfficientNetV2",
        "accuracy, quick to train",
        [
            network("tf_efficientnetv2_b0", v2_b(1.0, 1.0), 192, 7_139_704, 528_186_752),
            network("tf_efficientnetv2_b1", v2_b(1.0, 1.1), 192, 8_141_052, 747_003_008),
            network("tf_efficientnetv2_b2", v2_b(1.1, 1.2), 208, 10_096_086, 1_043_476_528),
            network("tf_efficientnetv2_b3", v2_b(1.2, 1.4), 240, 14_358_406, 1_908_036_640),
            network("tf_efficientnetv2_s", efficientnetv2_s, 300, 21_458_488, 5_307_561_248),
            network("tf_efficientnetv2_m", efficientnetv2_m, 384, 54_139_356, 15_736_775_680),
        ],
    );
    let mobilenets = Architecture::grouped(
        "MobileNet",
        "phones and slow machines",
        [
            network("mobilenetv2_100", mobilenetv2, 224, 3_504_872, 300_774_272),
            network("mobilenetv3_small_100", mobilenetv3_small, 224, 2_542_856, 56_510_400),
            network("mobilenetv3_large_100", mobilenetv3_large, 224, 5_483_032, 216_589_760),
            network("mobilenetv4_conv_small", mobilenetv4_small, 224, 3_774_024, 186_005_568),
            network("mobilenetv4_conv_medium", mobilenetv4_medium, 256, 9_715_512, 1_080_244_224),
        ],
    );
    let miniatures = Architecture::grouped(
        "miniatures",
        "trying things out",
        [Architecture {
            is_miniature: true,
            ..network("test_efficientnet", test_efficientnet, 160, 356_196, 57_304_256)
        }],
    );
    efficientnets.chain(lites).chain(v2s).chain(mobilenets).chain(miniatures).collect()
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
        group: "",
        good_for: "",
        head: "classifier",
        first_conv: "conv_stem",
        global_pool: "avg",
        timm_head: HeadDraw::FanOut,
        side_px,
        side_step_px: 1,
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
