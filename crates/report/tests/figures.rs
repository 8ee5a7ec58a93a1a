//! Properties of every figure, whatever its names and numbers.

use image::{Rgb, RgbImage};
use kennel_core::{
    CurveAhead, CurveDraw, CurveLaw, CurveOutlook, CurveSize, Lang, LearningCurveRecord,
    PredictionRecord,
};
use kennel_metrics::{Calibration, Evaluation, calibration, evaluate};
use kennel_report::figures::{
    Curve, Svg, Table, Tile, confusion_matrix, learning_curve, per_class_f1, photos,
    reliability_diagram, table, training_curves,
};
use resvg::usvg::roxmltree::Document;

/// Names that a folder can have.
const HOSTILE: [&str; 4] =
    ["<script>alert(\"&\")</script>", "a\0b\x1b[2J\nc\u{ffff}", "]]><!--'", "\u{202e}дог 猎犬 🐕"];

struct Data {
    names: Vec<String>,
    evaluation: Evaluation,
    calibration: Calibration,
}

/// Evaluates three photos per class. One of each three is predicted as the next class.
fn data(names: &[&str]) -> Data {
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let logits = |class: usize| {
        (0..names.len()).map(|other| if other == class { 2.0 } else { 0.0 }).collect()
    };
    let record = |photo: usize| PredictionRecord {
        path: format!("{photo}.jpg"),
        label: names[photo / 3].clone(),
        logits: logits((photo / 3 + usize::from(photo.is_multiple_of(3))) % names.len()),
    };
    let records: Vec<PredictionRecord> = (0..3 * names.len()).map(record).collect();
    let photos =
        records.iter().enumerate().map(|(photo, record)| (record.logits.as_slice(), photo / 3));
    Data {
        evaluation: evaluate(&records, &names).unwrap(),
        calibration: calibration(photos, 1.0),
        names,
    }
}

/// Errors that fall from 30 % to 20 %.
fn more_photos() -> LearningCurveRecord {
    let size = |(photos, errors)| CurveSize {
        photos,
        draws: vec![CurveDraw { errors, n: 100 }, CurveDraw { errors: errors + 4, n: 100 }],
    };
    let ahead = |times: f64| CurveAhead {
        times,
        photos: 800.0 * times,
        error: 0.2 / times,
        low: 0.16 / times,
        high: 0.22,
        gain: 0.2 - 0.2 / times,
        gain_low: 0.0,
        gain_high: 0.2,
    };
    LearningCurveRecord {
        version: 1,
        points: [(100.0, 30), (400.0, 24), (800.0, 20)].map(size).to_vec(),
        law: CurveLaw { floor: 0.0, scale: 0.2, exponent: 0.2, unit: 800.0 },
        outlook: CurveOutlook::Falls(vec![ahead(1.0), ahead(1.5), ahead(2.0)]),
        classes: Vec::new(),
    }
}

fn every_figure(data: &Data) -> Vec<Svg> {
    let Data { names, evaluation, calibration } = data;
    let name = names[0].as_str();
    let (loss, accuracy) = ([1.5, 0.4, 0.0], [0.3, 0.9, 1.0]);
    let curve = |(run, name): (usize, &String)| Curve {
        run,
        name: name.clone(),
        train_loss: loss.into(),
        val_loss: loss[..2].into(),
        train_accuracy: accuracy.into(),
        val_accuracy: accuracy[..2].into(),
    };
    let curves: Vec<Curve> = names.iter().enumerate().map(curve).collect();
    let photo = RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8, y as u8, 200]));
    let tile = |is_right| Tile { photo: &photo, lines: names.clone(), is_right };
    let rows = [names.clone()];
    vec![
        training_curves(&curves, Lang::En).unwrap(),
        confusion_matrix(name, evaluation).unwrap(),
        reliability_diagram(name, calibration, Some((1.5, calibration)), Lang::En).unwrap(),
        per_class_f1(&[(0, name, evaluation), (1, "other", evaluation)]).unwrap(),
        table(&Table { title: name, header: names, rows: &rows, numbers: &[1] }).unwrap(),
        photos(name, &[tile(true), tile(false)]).unwrap(),
        learning_curve(name, 1, &more_photos(), Lang::Ru).unwrap(),
    ]
}

#[test]
fn every_figure_is_well_formed_whatever_the_names_are() {
    for svg in every_figure(&data(&HOSTILE)) {
        let document = Document::parse(svg.as_str()).unwrap();
        let root = document.root_element();
        assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")));
        assert!(root.first_element_child().is_some_and(|child| child.tag_name().name() == "title"));
        assert!(!document.descendants().any(|node| node.tag_name().name() == "script"));
        assert!(!svg.as_str().chars().any(|c| c.is_control() && c != '\n'));
        assert!(svg.to_png(1.0).is_ok());
    }
}

#[test]
fn the_same_data_give_the_same_bytes() {
    let data = data(&["beagle", "boxer", "poodle"]);
    for (one, other) in every_figure(&data).iter().zip(every_figure(&data)) {
        assert_eq!(one.as_str(), other.as_str());
        assert_eq!(one.to_png(2.0).unwrap(), other.to_png(2.0).unwrap());
    }
}

#[test]
fn no_label_leaves_the_page() {
    let long = "a_class_whose_name_goes_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on";
    for names in [vec![long, "b"], vec!["beagle", "boxer", "poodle"]] {
        for svg in every_figure(&data(&names)) {
            let png = image::load_from_memory(&svg.to_png(1.0).unwrap()).unwrap().to_luma8();
            let (width, height) = png.dimensions();
            let is_edge = |x, y| x < 2 || y < 2 || x + 2 >= width || y + 2 >= height;
            let cut =
                png.enumerate_pixels().find(|(x, y, pixel)| is_edge(*x, *y) && pixel.0[0] < 200);
            assert_eq!(cut, None, "{}", svg.as_str().lines().nth(1).unwrap_or_default());
        }
    }
}

#[test]
fn a_hundred_and_twenty_classes_are_drawn() {
    let names: Vec<String> = (0..120).map(|class| format!("n0208{class}-a breed")).collect();
    let data = data(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for svg in [
        confusion_matrix("all", &data.evaluation).unwrap(),
        per_class_f1(&[(0, "a", &data.evaluation), (1, "b", &data.evaluation)]).unwrap(),
        reliability_diagram("all", &data.calibration, None, Lang::En).unwrap(),
    ] {
        assert!(svg.to_png(1.0).is_ok());
    }
}
