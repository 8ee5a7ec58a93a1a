//! Fixed words: titles, labels and sentences without numbers.

use super::language::Words;

/// Makes a method of each name: `name: "English", "Russian";`.
macro_rules! labels {
    ($($name:ident: $en:literal, $ru:literal;)*) => {
        impl Words {
            $(pub fn $name(self) -> &'static str { self.say($en, $ru) })*
        }
    };
}

labels! {
    // Every page.
    skip: "Skip to the results", "Сразу к результатам";
    sections: "Sections", "Разделы";
    not_in_its_place: "not in its place", "нет на месте";

    // The headline.
    report: "Kennel report", "Отчёт Kennel";
    no_predictions: "No run has predictions of photos that it was not trained on.",
        "Ни у одного запуска нет предсказаний для фотографий, на которых он не учился.";
    best_run: "The best run:", "Лучший запуск:";
    next: "What to do next", "Что дальше";
    the_model: "The model", "Модель";
    model_lies_in: "It lies in", "Она лежит в";
    label_photos: "To label photos:", "Подписать фотографии:";
    one_file: "To get one file for other programs:", "Получить один файл для других программ:";

    // The gallery.
    look_at_your_photos: "Look at your photos", "Посмотрите на свои фотографии";
    surest_mistakes: "Surest mistakes", "Самые уверенные ошибки";
    all_mistakes: "All mistakes, by class", "Все ошибки, по классам";
    least_sure: "Least sure", "Самые неуверенные ответы";
    least_sure_meaning: "Answers with the lowest probability, right or wrong.",
        "Ответы с самой низкой вероятностью, верные и неверные.";
    probably_wrong_labels: "Labels that are probably wrong", "Метки, которые, вероятно, неверны";
    no_wrong_labels: "The audit found none.", "Проверка не нашла ни одной.";
    map_of_photos: "A map of the photos", "Карта фотографий";

    // The comparison.
    runs_compared: "Runs compared", "Сравнение запусков";
    rank: "#", "№";
    run: "Run", "Запуск";
    accuracy: "Accuracy", "Точность";
    the_best: "best by validation", "лучший по валидации";
    time_and_accuracy: "Time and accuracy", "Время и точность";
    time_and_accuracy_meaning: "Up is more accurate, left is faster. Numbers are the ranks of the \
        list above.",
        "Выше — точнее, левее — быстрее. Номера — места в списке выше.";
    training_time_axis: "Training time, logarithmic", "Время обучения, логарифмическая шкала";
    several_seeds: "Several seeds", "Несколько seed";
    every_number: "Every number of every run", "Все числа всех запусков";
    cached_rates: "With cached features, images/s covers the remaining work only.",
        "С сохранёнными признаками число изображений в секунду относится только к оставшейся \
         работе.";
    frozen: "Frozen", "Заморожено";
    is_one_better: "Is one better than another?", "Лучше ли один другого?";
    p_matrix: "Corrected p of every two runs", "Исправленное p каждой пары запусков";
    p_matrix_meaning: "How likely so uneven a result would be if the two were equally good: the \
        exact McNemar test, with Holm's correction \
        for all pairs. Below 0.05 (marked ●) is evidence that the run of the column is better \
        than that of the row.",
        "Насколько вероятен такой неровный результат, если оба одинаково хороши: точный тест \
         Макнемара с поправкой Холма на все \
        пары. Меньше 0,05 (отмечено ●) — доказательство, что запуск столбца лучше запуска строки.";
    pairs_in_words: "Each pair in a sentence", "Каждая пара одним предложением";
    in_words: "In words", "Словами";

    // By class.
    class_by_class: "Class by class", "По классам";
    of_best_run: "Of", "Запуск";
    class: "Class", "Класс";
    recall: "Found", "Полнота";
    precision: "Precision", "Точность";
    photos_title: "Photos", "Фотографии";
    photos_column: "Photos", "Фото";
    bars_meaning: "A bar is the share of a class's photos that are found (recall), with its 95 % \
        interval; the weakest class is on top.",
        "Полоса — доля найденных фотографий класса (полнота) с интервалом 95 %; самый слабый \
         класс сверху.";
    confusion_matrix: "Confusion matrix", "Матрица ошибок";
    confusion_meaning: "A row is what photos are, a column what the run said. Choose a number to \
        see its photos.",
        "Строка — что на фотографии, столбец — что ответил запуск. Выберите число, чтобы увидеть \
         фотографии.";
    is_and_said: "Is \u{2193}  said \u{2192}", "Есть \u{2193}  ответ \u{2192}";
    frequent_confusions: "Most frequent confusions", "Самые частые ошибки";
    without_picture: "Without a picture here:", "Здесь без картинки:";
    back_to_matrix: "Back to the matrix", "Назад к матрице";
    learning_curves: "Learning curves", "Кривые обучения";
    curves_meaning: "Loss by epoch, all panels on one scale: validation is solid, training \
        dashed, guessing dotted. The dot is the \
        epoch that was kept.",
        "Потери по эпохам, все панели в одном масштабе: валидация сплошной линией, обучение \
         штриховой, угадывание точками. Кружок — \
        сохранённая эпоха.";

    // Checks and published results.
    before_you_believe_it: "Before you believe it", "Прежде чем верить";
    published_results: "Published results", "Опубликованные результаты";
    published_meaning: "They hold no record of each photo. Where their counts leave only one \
        possibility the paired test is determined; \
        elsewhere the smallest possible p is given.",
        "В них нет записи о каждой фотографии. Где их подсчёты оставляют одну возможность, парный \
         тест определён; в остальных \
        случаях дано наименьшее возможное p.";

    // A run.
    every_run: "Every run", "Каждый запуск";
    every_run_meaning: "Settings, figures, and how to make each again.",
        "Настройки, числа и как повторить каждый.";
    make_it_again: "To make it again", "Как повторить";
    configuration: "Configuration", "Конфигурация";
    weights: "Weights", "Веса";
    trained_parameters: "Parameters trained", "Обучено параметров";
    of: " of ", " из ";
    epochs: "Epochs", "Эпохи";
    cached_features: "Frozen trunk", "Замороженный ствол";
    out_of_fold: "Out of fold", "Вне блоков";
    validation: "Validation", "Валидация";
    test: "Test", "Тест";
    log_loss: "Log loss on test, nats per image", "Log loss на тесте, нат на изображение";
    calibration_error: "Expected calibration error", "Ожидаемая ошибка калибровки";
    brier_score: "Brier score", "Оценка Брайера";
    temperature: "Temperature", "Температура";
    training_time: "Training time", "Время обучения";
    computed_on: "Computed on", "Вычислено на";
    on_the_test_photos: "On the test photos", "На тестовых фотографиях";
    what_it_tried: "What it tried", "Что было испробовано";
    tried_meaning: "The validation photos chose.", "Выбрали валидационные фотографии.";
    trial: "Trial", "Проба";
    candidate: "Candidate", "Кандидат";
    chosen: "chosen", "выбрано";
    augmentation: "Augmentation", "Аугментация";
    ended: "Ended", "Чем кончилось";

    // More photos, unknown photos.
    more_photos: "More photos", "Больше фотографий";
    not_the_head_alone: "A network that was trained further may gain more or less.",
        "Сеть, которую обучали дальше, может выиграть больше или меньше.";
    no_fall: "That is no fall beyond chance: more photos of the same kind would bring nothing \
        that shows.",
        "Это падение не больше случайного: новые фотографии того же рода не дали бы ничего \
         заметного.";
    few_errors: "These are too few to say what more photos would bring.",
        "Ошибок слишком мало, чтобы сказать, что дадут новые фотографии.";
    halved_caption: "With half of the photos of a class and with all, on photos out of fold; \
        points with 95 % intervals",
        "С половиной фотографий класса и со всеми, на фотографиях вне блоков; пункты с \
         интервалами 95 %";
    none_of_the_classes: "Photos of none of the classes", "Фотографии ни одного из классов";
    learnt_these_classes: "The network has learnt these classes, so the figure may be too high.",
        "Сеть училась на этих классах, поэтому число может быть завышено.";
    class_left_out_caption: "Validation photos of a class that was left out",
        "Валидационные фотографии исключённого класса";
    refused: "Refused", "Отклонено";

    // An audit.
    labels_heading: "What the photos say about their labels", "Что фотографии говорят о своих \
        метках";
    suggestions: "The lists are suggestions: a network makes mistakes, too. Look at each photo \
        before you change its label. \
        No file was moved or changed.",
        "Списки — это предложения: сеть тоже ошибается. Посмотрите на каждую фотографию, прежде \
         чем менять её метку. Ни один файл \
        не перемещён и не изменён.";
    classes_title: "Classes", "Классы";
    classes_meaning: "The estimate counts photos that confidently belong to another class. \
        It is too high where the network itself confuses two classes.",
        "Оценка считает фотографии, которые уверенно относятся к другому классу. Она завышена \
         там, где сеть сама путает два класса.";
    wrong_labels: "Wrong labels", "Неверные метки";
    wrong_labels_meaning: "Labels that are probably wrong, the least probable first. The list is \
        longer than the estimate, \
        so that it misses few: towards its end, more labels are right.",
        "Метки, которые, вероятно, неверны, сначала самые маловероятные. Список длиннее оценки, \
         чтобы пропустить немногие: к концу \
        верных меток в нём больше.";
    ambiguous: "Ambiguous", "Неоднозначные";
    outliers: "Outliers", "Выбросы";
    no_outliers_looked_for: "Not looked for: the audit had predictions, but no features.",
        "Не искали: у проверки были предсказания, но не было признаков.";
    contradictions: "One picture, several classes", "Одна картинка в нескольких классах";
    contradictions_meaning: "Copies of one picture under several classes. At most one of the \
        labels is right.",
        "Копии одной картинки в нескольких классах. Верна самое большее одна из меток.";
    classes_alike: "Classes alike", "Похожие классы";
    or: "or ", "или ";

    // Figures.
    confidence: "Confidence", "Уверенность";
    photos_axis: "Photos", "Фотографии";
    training_photos_axis: "Training photos", "Обучающие фотографии";
    errors_axis: "Errors, %", "Ошибки, %";
    loss_axis: "Loss, nats per image", "Потери, нат на изображение";
    accuracy_axis: "Accuracy, %", "Точность, %";
    epoch_axis: "Epoch", "Эпоха";
    reliability_diagram: "Reliability diagram", "Диаграмма надёжности";
    learning_curve: "Learning curve", "Кривая обучения";
    published_curves: "Loss and accuracy by epoch of our runs and of the published ones on one \
        scale",
        "Потери и точность по эпохам, наши запуски и опубликованные, в одном масштабе";
}
