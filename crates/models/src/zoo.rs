//! The architectures of the zoo and their pretrained weights.

use std::sync::LazyLock;

use kennel_core::{Interpolation, Preprocessing, did_you_mean};

use crate::efficientnet::{
    EfficientNetConfig, efficientnet, mobilenetv2, mobilenetv3_large, mobilenetv3_small, test_efficientnet,
};
use crate::resnet::ResNetBlock::{self, Basic, Bottleneck};
use crate::resnet::ResNetConfig;
use crate::{ModelError, Result};

/// An architecture of the zoo.
#[derive(Clone, Debug)]
pub struct Architecture {
    /// timm's name.
    pub name: &'static str,
    /// Parameters with ImageNet's 1000 classes, without running statistics.
    pub parameters: u64,
    /// Multiply-accumulates for one photo at the input size of the default weights.
    pub macs: u64,
    pub(crate) family: Family,
}

#[derive(Clone, Debug)]
pub(crate) enum Family {
    ResNet(ResNetConfig),
    EfficientNet(fn() -> EfficientNetConfig),
}

/// Pretrained weights with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct PretrainedTag {
    /// Name of the architecture.
    pub architecture: String,
    /// Training recipe and data: `a1_in1k`.
    pub tag: String,
    /// Preprocessing of photos for these weights.
    pub preprocessing: Preprocessing,
    /// Licence of the weights, as timm states it.
    pub licence: String,
    /// Whether the architecture's name alone means these weights.
    pub is_default: bool,
}

impl PretrainedTag {
    /// `arch.tag`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.architecture, self.tag)
    }
}

impl Architecture {
    /// Returns its pretrained weights, the default first.
    pub fn tags(&self) -> impl Iterator<Item = &'static PretrainedTag> {
        TAGS.iter().filter(move |tag| tag.architecture == self.name)
    }

    /// Returns its default weights, as in timm 1.0.
    pub fn default_tag(&self) -> &'static PretrainedTag {
        self.tags().find(|tag| tag.is_default).expect("every architecture has default weights")
    }

    /// Whether it is a ResNet: those initialise their head differently.
    pub fn is_resnet(&self) -> bool {
        matches!(self.family, Family::ResNet(_))
    }
}

/// Returns all architectures, family by family, from small to large.
pub fn architectures() -> &'static [Architecture] {
    &ARCHITECTURES
}

/// Returns an architecture by timm's name.
///
/// # Errors
///
/// [`ModelError::UnknownModel`], with the nearest name.
pub fn architecture(name: &str) -> Result<&'static Architecture> {
    ARCHITECTURES.iter().find(|architecture| architecture.name == name).ok_or_else(|| {
        ModelError::UnknownModel {
            name: name.into(),
            nearest: did_you_mean(name, ARCHITECTURES.iter().map(|architecture| architecture.name))
                .map(String::from),
        }
    })
}

static ARCHITECTURES: LazyLock<Vec<Architecture>> = LazyLock::new(|| {
    let resnet = |name, config, parameters, macs| Architecture {
        name,
        parameters,
        macs,
        family: Family::ResNet(config),
    };
    let published = |depths, kind: ResNetBlock| ResNetConfig::published(kind, depths);
    let efficientnet = |name, config, parameters, macs| Architecture {
        name,
        parameters,
        macs,
        family: Family::EfficientNet(config),
    };
    // Parameters and MACs: `tests/zoo.rs` checks them against timm 1.0.31 and PyTorch's flop
    // counter.
    vec![
        resnet("resnet18", published([2, 2, 2, 2], Basic), 11_689_512, 1_814_073_344),
        resnet("resnet34", published([3, 4, 6, 3], Basic), 21_797_672, 3_663_761_408),
        resnet("resnet50", published([3, 4, 6, 3], Bottleneck), 25_557_032, 4_089_184_256),
        resnet("resnet101", published([3, 4, 23, 3], Bottleneck), 44_549_160, 7_801_405_440),
        resnet("resnet152", published([3, 8, 36, 3], Bottleneck), 60_192_808, 11_513_626_624),
        efficientnet("efficientnet_b0", || efficientnet_b(1.0, 1.0), 5_288_548, 385_814_752),
        efficientnet("efficientnet_b1", || efficientnet_b(1.0, 1.1), 7_794_184, 686_802_832),
        efficientnet("efficientnet_b2", || efficientnet_b(1.1, 1.2), 9_109_994, 859_853_760),
        efficientnet("efficientnet_b3", || efficientnet_b(1.2, 1.4), 12_233_232, 1_589_198_096),
        efficientnet("efficientnet_b4", || efficientnet_b(1.4, 1.8), 19_341_616, 3_063_687_008),
        efficientnet("mobilenetv2_100", mobilenetv2, 3_504_872, 300_774_272),
        efficientnet("mobilenetv3_small_100", mobilenetv3_small, 2_542_856, 56_510_400),
        efficientnet("mobilenetv3_large_100", mobilenetv3_large, 5_483_032, 216_589_760),
        // Small enough for a demo or a test.
        resnet("test_resnet", ResNetConfig::test(), 469_688, 102_547_200),
        efficientnet("test_efficientnet", test_efficientnet, 356_196, 57_304_256),
    ]
});

fn efficientnet_b(width: f64, depth: f64) -> EfficientNetConfig {
    efficientnet(width, depth)
}

/// The table that `tools/zoo_table.py` generates from timm's own configurations.
static TAGS: LazyLock<Vec<PretrainedTag>> = LazyLock::new(|| {
    let mut tags: Vec<PretrainedTag> = include_str!("pretrained_tags.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| parse_tag(line).unwrap_or_else(|| panic!("pretrained_tags.tsv: {line}")))
        .collect();
    tags.sort_by_key(|tag| !tag.is_default);
    tags
});

fn parse_tag(line: &str) -> Option<PretrainedTag> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [architecture, tag, side_px, crop_pct, interpolation, mean, std, licence, is_default] = fields[..]
    else {
        return None;
    };
    let triple = |text: &str| -> Option<[f32; 3]> {
        let values: Vec<f32> =
            text.split(',').map(|value| value.trim().parse().ok()).collect::<Option<_>>()?;
        values.try_into().ok()
    };
    Some(PretrainedTag {
        architecture: architecture.into(),
        tag: tag.into(),
        preprocessing: Preprocessing {
            side_px: side_px.parse().ok()?,
            crop_pct: crop_pct.parse().ok()?,
            interpolation: match interpolation {
                "bicubic" => Interpolation::Bicubic,
                "bilinear" => Interpolation::Bilinear,
                _ => return None,
            },
            mean: triple(mean)?,
            std: triple(std)?,
        },
        licence: licence.into(),
        is_default: is_default == "yes",
    })
}
