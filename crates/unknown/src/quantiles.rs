//! Quantiles of the normal and of Student's distribution.

/// Computes the `p` quantile of the normal distribution, to 1e-9 of its value.
///
/// Source: Wichura 1988, "Algorithm AS 241: The percentage points of the normal distribution",
/// PPND16.
///
/// # Panics
///
/// When `p` is not in (0, 1).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "the quantile at {p}");
    let ratio = |x: f64, above: &[f64; 8], below: &[f64; 8]| {
        let polynomial = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
        polynomial(above) / polynomial(below)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180_625 - q * q, &CENTRE_ABOVE, &CENTRE_BELOW);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let z = match r <= 5.0 {
        true => ratio(r - 1.6, &TAIL_ABOVE, &TAIL_BELOW),
        false => ratio(r - 5.0, &FAR_ABOVE, &FAR_BELOW),
    };
    z.copysign(q)
}

/// Computes the `p` quantile of Student's distribution: within 1 % of its value for nine or more
/// degrees of freedom and `p` up to 0.999.
///
/// Source: the expansion in powers of `1 / freedom` of Abramowitz and Stegun, 26.7.5.
pub(crate) fn student_quantile(p: f64, freedom: f64) -> f64 {
    let z = normal_quantile(p);
    let z2 = z * z;
    let terms = [
        (z2 + 1.0) / 4.0,
        ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
        (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
        ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92_160.0,
    ];
    z * (1.0 + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom))
}

const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const TAIL_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const TAIL_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_7e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_scipy() {
        // scipy.stats.norm.ppf, scipy 1.17
        for (p, z) in [
            (0.5, 0.0),
            (0.99, 2.326_347_874_040_840_8),
            (0.05, -1.644_853_626_951_472_9),
            (0.999_999, 4.753_424_308_822_899),
            (1e-14, -7.650_628_092_935_267),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-9, "{p}: {}", normal_quantile(p));
        }
        // scipy.stats.t.ppf
        for (p, freedom, t) in [
            (0.99, 9.0, 2.821_437_925_025_807_6),
            (0.99, 29.0, 2.462_021_360_150_393_7),
            (0.999, 9.0, 4.296_805_662_718_527),
            (0.95, 100.0, 1.660_234_326_065_749_4),
        ] {
            let found = student_quantile(p, freedom);
            assert!((found / t - 1.0).abs() < 0.01, "{p}, {freedom}: {found}, not {t}");
        }
    }
}
