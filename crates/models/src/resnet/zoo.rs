//! The family in the zoo.

use super::ResNetBlock::{Basic, Bottleneck, SqueezedBottleneck};
use super::{ResNet, ResNetConfig, StemKind};
use crate::architecture::{Architecture, Constructor, HeadDraw};

/// Returns the family's architectures. `tests/zoo.rs` checks parameters and multiply-accumulates
/// against timm 1.0.31 and PyTorch's flop counter.
pub fn architectures() -> Vec<Architecture> {
    let published = ResNetConfig::published;
    let test = resnet("test_resnet", ResNetConfig::test(), 469_688, 102_547_200);
    let resnets = Architecture::grouped(
        "ResNet",
        "the field's reference",
        [
            resnet("resnet18", published(Basic, [2, 2, 2, 2]), 11_689_512, 1_814_073_344),
            resnet("resnet34", published(Basic, [3, 4, 6, 3]), 21_797_672, 3_663_761_408),
            resnet("resnet50", published(Bottleneck, [3, 4, 6, 3]), 25_557_032, 4_089_184_256),
            resnet("resnet101", published(Bottleneck, [3, 4, 23, 3]), 44_549_160, 7_801_405_440),
            resnet("resnet152", published(Bottleneck, [3, 8, 36, 3]), 60_192_808, 11_513_626_624),
            resnet("resnet50d", ResNetConfig::resnet50d(), 25_576_264, 4_328_824_832),
            resnet(
                "seresnet50",
                published(SqueezedBottleneck, [3, 4, 6, 3]),
                28_088_024,
                4_091_699_200,
            ),
        ],
    );
    let miniatures = Architecture::grouped(
        "miniatures",
        "trying things out",
        [Architecture { side_px: 160, is_miniature: true, ..test }],
    );
    resnets.chain(miniatures).collect()
}

fn resnet(name: &'static str, config: ResNetConfig, parameters: u64, macs: u64) -> Architecture {
    Architecture {
        name,
        group: "",
        good_for: "",
        head: "fc",
        first_conv: match config.stem {
            StemKind::Plain => "conv1",
            StemKind::Deep { .. } => "conv1.0",
        },
        global_pool: "avg",
        timm_head: HeadDraw::FanIn,
        side_px: 224,
        side_step_px: 1,
        test_side_px: 72,
        micro_batch: 8,
        is_miniature: false,
        parameters,
        macs,
        constructor: Constructor::new(move |classes, rates, device| {
            ResNet::new(config, classes, rates, device)
        }),
    }
}
