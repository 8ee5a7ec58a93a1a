// Labels photos by an ONNX file of `kennel export`, with ONNX Runtime and stb_image alone.
//
//   c++ -std=c++17 -O2 classify.cpp -I ONNXRUNTIME/include -I STB -L ONNXRUNTIME/lib -lonnxruntime -o classify
//   ./classify best_model_mobilenetv2_100.onnx photo.jpg ...
//
// Both inputs are served: prepared pixels (the default) and a whole photo (`--input photo`). stb_image does not turn a photo
// by its EXIF orientation; where yours come from phones, turn them first.
#include <onnxruntime_cxx_api.h>
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Photo {
    int width, height;
    std::vector<uint8_t> levels;  // [height, width, 3], RGB
};

static Photo decode(const char* path) {
    Photo photo{};
    int channels;
    uint8_t* levels = stbi_load(path, &photo.width, &photo.height, &channels, 3);
    if (!levels) throw std::runtime_error(std::string(path) + ": " + stbi_failure_reason());
    photo.levels.assign(levels, levels + size_t(photo.width) * photo.height * 3);
    stbi_image_free(levels);
    return photo;
}

// One axis of Pillow's antialiased resize: output pixels `from` to `from + count` of `size`.
struct Tap {
    int first;
    std::vector<double> weights;
};
static std::vector<Tap> taps(int input, int size, int from, int count, bool bicubic) {
    const double scale = double(input) / size, stretch = std::max(scale, 1.0), support = (bicubic ? 2 : 1) * stretch;
    auto filter = [&](double x) {
        x = std::abs(x);
        if (!bicubic) return std::max(0.0, 1 - x);
        if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0.0;
    };
    std::vector<Tap> result;
    for (int at = from; at < from + count; at++) {
        const double center = (at + 0.5) * scale;
        Tap tap{int(std::max(0.0, center - support + 0.5)), {}};
        const int end = std::min(input, int(center + support + 0.5));
        double sum = 0;
        for (int i = tap.first; i < end; i++) sum += tap.weights.emplace_back(filter((i - center + 0.5) / stretch));
        for (double& weight : tap.weights) weight /= sum;
        result.push_back(tap);
    }
    return result;
}
static double level(double value) { return std::floor(std::clamp(value, 0.0, 255.0) + 0.5); }

// Short side to `resize`, the middle `side`, rounded to whole levels between the two passes; then normalised planes.
static std::vector<float> prepare(const Photo& photo, int side, int resize, bool bicubic, const std::vector<float>& mean,
                                  const std::vector<float>& std) {
    const bool upright = photo.width <= photo.height;
    const int width = upright ? resize : int(double(resize) * photo.width / photo.height);
    const int height = upright ? int(double(resize) * photo.height / photo.width) : resize;
    const int left = int(std::nearbyint((width - side) / 2.0)), top = int(std::nearbyint((height - side) / 2.0));
    const auto columns = taps(photo.width, width, left, side, bicubic), rows = taps(photo.height, height, top, side, bicubic);
    std::vector<double> between(size_t(photo.height) * side * 3);
    for (int y = 0; y < photo.height; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (size_t i = 0; i < columns[x].weights.size(); i++)
                    sum += columns[x].weights[i] * photo.levels[(size_t(y) * photo.width + columns[x].first + i) * 3 + c];
                between[(size_t(y) * side + x) * 3 + c] = level(sum);
            }
    std::vector<float> planes(size_t(3) * side * side);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                double sum = 0;
                for (size_t i = 0; i < rows[y].weights.size(); i++)
                    sum += rows[y].weights[i] * between[((rows[y].first + i) * side + x) * 3 + c];
                planes[(size_t(c) * side + y) * side + x] = (float(level(sum)) / 255 - mean[c]) / std[c];
            }
    return planes;
}

// `[0.485,0.456,0.406]`, `224` or `["beagle","boxer"]`, as the metadata has them.
static std::vector<float> numbers(std::string json) {
    for (char& c : json)
        if (c == '[' || c == ']' || c == ',') c = ' ';
    std::istringstream in(json);
    return {std::istream_iterator<float>(in), {}};
}
static std::vector<std::string> names(const std::string& json) {
    std::istringstream in(json);
    std::vector<std::string> result;
    std::string name;
    for (char comma; in >> comma && in >> std::quoted(name);) result.push_back(name);
    return result;
}

int main(int argc, char** argv) try {
    if (argc < 3) return std::fprintf(stderr, "usage: classify FILE.onnx PHOTO...\n"), 2;
    Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "classify");
    Ort::Session session(env, argv[1], Ort::SessionOptions());
    Ort::AllocatorWithDefaultOptions allocator;
    auto metadata = session.GetModelMetadata();
    auto about = [&](const char* key) { return std::string(metadata.LookupCustomMetadataMapAllocated(key, allocator).get()); };
    const auto classes = names(about("class_names"));
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const bool whole_photo = std::string(session.GetInputNameAllocated(0, allocator).get()) == "photo";

    for (int i = 2; i < argc; i++) {
        Photo photo = decode(argv[i]);
        std::vector<float> probabilities(classes.size());
        if (whole_photo) {
            const std::array<int64_t, 3> shape{photo.height, photo.width, 3};
            auto input = Ort::Value::CreateTensor(memory, photo.levels.data(), photo.levels.size(), shape.data(), shape.size());
            const char *in = "photo", *out = "probabilities";
            auto result = session.Run({}, &in, &input, 1, &out, 1);
            std::copy_n(result[0].GetTensorData<float>(), classes.size(), probabilities.begin());
        } else {
            if (metadata.LookupCustomMetadataMapAllocated("crop_mode", allocator))
                throw std::runtime_error("this program only crops the centre; export the network with --input photo");
            const int side = int(numbers(about("side_px"))[0]), resize = int(numbers(about("resize_px"))[0]);
            auto planes = prepare(photo, side, resize, about("interpolation") == "bicubic", numbers(about("mean")), numbers(about("std")));
            const std::array<int64_t, 4> shape{1, 3, side, side};
            auto input = Ort::Value::CreateTensor(memory, planes.data(), planes.size(), shape.data(), shape.size());
            const char *in = "input", *out = "output";
            auto result = session.Run({}, &in, &input, 1, &out, 1);
            const float *logits = result[0].GetTensorData<float>(), temperature = numbers(about("temperature"))[0];
            const float largest = *std::max_element(logits, logits + classes.size());
            float sum = 0;
            for (size_t k = 0; k < classes.size(); k++) sum += probabilities[k] = std::exp((logits[k] - largest) / temperature);
            for (float& p : probabilities) p /= sum;
        }
        const size_t best = std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
        std::printf("%s\t%s\t%.4f\n", argv[i], classes[best].c_str(), probabilities[best]);
    }
} catch (const std::exception& error) {
    return std::fprintf(stderr, "error: %s\n", error.what()), 1;
}
