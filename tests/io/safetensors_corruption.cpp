// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// A valid safetensors file of three tensors, spoilt in every way that is known from real readers' faults.
#include <ddpm/io/safetensors_file.hpp>

#include "io/safetensors_rules.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/refusal_time.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// So many bytes, none like its neighbours.
std::string data_of(std::size_t size) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        data[i] = static_cast<char>(37 * i + 11);
    }
    return data;
}

std::string file_of(std::string_view header, std::size_t data_size) {
    return safetensors_text(header.size(), std::string(header) + data_of(data_size));
}

/// The file that is spoilt.
const std::string whole = file_of(three_tensors, 65);

/// Whether a file that was opened has exactly the tensors of the rules, and their bytes.
bool has_exactly(const io::safetensors_file& file, const std::map<std::string, ruled_tensor>& tensors,
                 const std::string& content) {
    if (file.tensors().size() != tensors.size()) {
        return false;
    }
    std::uint64_t header_length = 0;
    std::memcpy(&header_length, content.data(), 8);
    const std::size_t start = 8 + static_cast<std::size_t>(header_length);
    for (const auto& [name, tensor] : tensors) {
        const io::tensor_info* const info = file.find(name);
        if (info == nullptr || info->type != tensor.type ||
            !std::equal(info->shape.begin(), info->shape.end(), tensor.shape.begin(), tensor.shape.end(),
                        [](isize a, std::uint64_t b) { return static_cast<std::uint64_t>(a) == b; })) {
            return false;
        }
        std::string bytes(static_cast<std::size_t>(tensor.end - tensor.begin), '\0');
        file.read_bytes(name, std::as_writable_bytes(std::span(bytes)));
        if (bytes != content.substr(start + static_cast<std::size_t>(tensor.begin), bytes.size())) {
            return false;
        }
    }
    return true;
}

/// Counts cases, each of which must be an io_error if the file breaks a rule, and exactly the data otherwise, in memory
/// that the file's size bounds, and never 16 MB, and, if it is small, in little time.
class matrix {
public:
    void begin(std::string_view kind) {
        kind_ = kind;
        cases_ = intact_ = 0;
    }

    void add(const std::string& content) {
        const auto ruled = read_by_rules(content);
        std::string said;
        peak_bytes = live_bytes.load();
        const std::ptrdiff_t before = peak_bytes;
        const processor_time time;
        const auto parse = [&] { return io::safetensors_file::parse(ddpm::detail::bytes_of(content), "f"); };
        double milliseconds = 0;
        std::ptrdiff_t bytes = 0;
        const auto end = [&] {
            milliseconds = time.milliseconds();
            bytes = peak_bytes - before;
        };
        try {
            const auto file = parse();
            end();
            said = ruled && has_exactly(file, *ruled, content) ? "" : "other tensors than the rules'";
        } catch (const io_error& e) {
            end();
            said = ruled ? e.what() : "";
        }
        took(bytes, content.size(), refusal_milliseconds(milliseconds, [&] { (void)parse(); }));
        if (!said.empty()) {
            CAPTURE(kind_, content.substr(0, 2000));
            FAIL(said);
        }
        ++cases_;
        intact_ += ruled ? 1 : 0;
    }

    /// A file whose size on the disk is a hole.
    void add_on_disk(const std::string& path, std::uint64_t header_length, std::uint64_t size) {
        write_text(path, safetensors_text(header_length, ""));
        std::filesystem::resize_file(path, size);
        peak_bytes = live_bytes.load();
        const std::ptrdiff_t before = peak_bytes;
        const processor_time time;
        CAPTURE(kind_, header_length, size);
        REQUIRE_THROWS_AS(io::safetensors_file::open(path), io_error);
        took(peak_bytes - before, 0, time.milliseconds());
        ++cases_;
    }

    /// Prints the counts of a kind. `intact` cases must have been valid files.
    void end(int cases, int intact) {
        std::cout << "safetensors, " << kind_ << ": " << cases_ << " cases, " << cases_ - intact_ << " errors, "
                  << intact_ << " exactly the data" << std::endl;
        CAPTURE(kind_);
        CHECK(cases_ == cases);
        CHECK(intact_ == intact);
        all_ += cases_;
    }

    [[nodiscard]] int all() const { return all_; }

private:
    void took(std::ptrdiff_t bytes, std::size_t size, double milliseconds) {
        if (milliseconds >= most_milliseconds && size < 1'000'000) {
            CAPTURE(kind_, size);
            FAIL("took " << milliseconds << " ms");
        }
        if (bytes >= std::min<std::ptrdiff_t>(16'000'000, 65'536 + 20 * static_cast<std::ptrdiff_t>(size))) {
            CAPTURE(kind_, size);
            FAIL("took " << bytes << " bytes of memory");
        }
    }

    std::string kind_;
    int cases_ = 0, intact_ = 0, all_ = 0;
};

void add_lengths(matrix& m) {
    m.begin("every truncation");
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        m.add(whole.substr(0, size));
    }
    m.end(static_cast<int>(whole.size()) + 1, 1);

    m.begin("surplus bytes");
    for (std::size_t surplus = 1; surplus < 100; ++surplus) {
        m.add(whole + data_of(surplus));
    }
    m.end(99, 0);

    m.begin("header lengths at extremes");
    const std::string rest = std::string(three_tensors) + data_of(65);
    for (const std::uint64_t base : {std::uint64_t{0}, std::uint64_t{three_tensors.size()}, std::uint64_t{rest.size()},
                                     std::uint64_t{100'000'000}, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
                                     std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max() - 8}) {
        for (std::uint64_t offset = 0; offset < 32; ++offset) {
            m.add(safetensors_text(base + offset - 16, rest));
        }
    }
    m.end(8 * 32, 1);

    m.begin("headers beyond the limit, in files that have the bytes");
    const temporary_folder folder;
    constexpr std::uint64_t limit = io::safetensors_limits::header_bytes;
    for (const std::uint64_t length :
         {limit + 1, limit + 2, std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 40,
          std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max() - 7,
          std::numeric_limits<std::uint64_t>::max()}) {
        for (const std::uint64_t size : {limit + 9, limit + 10, std::uint64_t{1} << 33}) {
            m.add_on_disk(folder / "file", length, size);
        }
    }
    m.end(8 * 3, 0);
}

void add_bytes(matrix& m) {
    m.begin("every other value of every byte of the header");
    for (std::size_t at = 0; at < 8 + three_tensors.size(); ++at) {
        for (int flip = 1; flip < 256; ++flip) {
            std::string changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ flip);
            m.add(changed);
        }
    }
    // A changed name, type of the same size or metadata text is another valid file.
    m.end(255 * static_cast<int>(8 + three_tensors.size()), 1868);

    m.begin("characters deleted or inserted");
    for (std::size_t at = 0; at <= three_tensors.size(); ++at) {
        for (const std::string_view token :
             {"0", "1", "-", ".", "e", "[", "]", "{", "}", ",", ":", "\"", "\\", " ", "\xff", "null"}) {
            m.add(file_of(std::string(three_tensors).insert(at, token), 65));
        }
        for (std::size_t length = 1; length <= 60; ++length) {
            m.add(file_of(std::string(three_tensors).erase(at, length), 65));
        }
    }
    m.end(76 * static_cast<int>(three_tensors.size() + 1), 705);

    m.begin("bad UTF-8 at every place");
    for (std::size_t at = 0; at <= three_tensors.size(); ++at) {
        // A continuation alone, one missing, a character written too long, half of a surrogate pair, beyond U+10FFFF.
        for (const std::string_view bad :
             {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
              "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff"}) {
            m.add(file_of(std::string(three_tensors).insert(at, bad), 65));
        }
    }
    m.end(11 * static_cast<int>(three_tensors.size() + 1), 0);
}

void add_numbers(matrix& m) {
    constexpr std::string_view extremes[] = {
        "0",
        "1",
        "2",
        "3",
        "4",
        "47",
        "48",
        "49",
        "64",
        "65",
        "66",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "-0",
        "-9223372036854775808",
        "1.0",
        "1e0",
        "0.5",
        "1e400",
        "true",
        "null",
        "\"1\"",
        "[]",
        "[1]",
        "{}",
        "",
        "01",
        "+1",
        "0x1",
    };
    m.begin("every pair of numbers of the header at extremes");
    std::vector<std::pair<std::size_t, std::size_t>> numbers;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t at = three_tensors.find("a.weight"); at < three_tensors.size(); ++at) {
        if (is_digit(three_tensors[at]) && (three_tensors[at - 1] == '[' || three_tensors[at - 1] == ',')) {
            std::size_t end = at;
            while (is_digit(three_tensors[end])) {
                ++end;
            }
            numbers.emplace_back(at, end - at);
        }
    }
    REQUIRE(numbers.size() == 9);
    for (std::size_t first = 0; first < numbers.size(); ++first) {
        for (std::size_t second = first; second < numbers.size(); ++second) {
            for (const std::string_view x : extremes) {
                for (const std::string_view y : extremes) {
                    std::string text(three_tensors);
                    text.replace(numbers[second].first, numbers[second].second, y);
                    if (first != second) {
                        text.replace(numbers[first].first, numbers[first].second, x);
                    }
                    m.add(file_of(text, 65));
                }
            }
        }
    }
    m.end(45 * 36 * 36, 361);

    m.begin("shapes whose product is beyond 64 bits");
    for (const std::string_view shape :
         {"[4294967296,4294967296]", "[4294967296,4294967296,0]", "[0,4294967296,4294967296]", "[9223372036854775808]",
          "[18446744073709551615]", "[18446744073709551615,0]", "[0,9223372036854775808]", "[2305843009213693952]",
          "[65536,65536,65536,65536]", "[3,6148914691236517206]", "[2147483648,2147483648,4]",
          "[1152921504606846976,16]", "[2147483648,2147483648,2,2,1,1,1,1]"}) {
        for (const std::string_view offsets : {"[0,0]", "[0,8]", "[0,65]"}) {
            m.add(file_of(
                ddpm::detail::text(R"({"a":{"dtype":"F64","shape":)", shape, R"(,"data_offsets":)", offsets, "}}"),
                65));
        }
    }
    m.end(13 * 3, 0);
}

void add_tensors(matrix& m) {
    m.begin("tensors that overlap, leave holes, are swapped or empty");
    // Every placing of three tensors of one byte, two bytes and none in a data buffer of three bytes.
    for (int a = 0; a < 5; ++a) {
        for (int b = 0; b < 5; ++b) {
            for (int c = 0; c < 5; ++c) {
                for (std::size_t data_size = 0; data_size < 6; ++data_size) {
                    m.add(file_of(
                        ddpm::detail::text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[)", a, ",", a + 1,
                                           R"(]},"b":{"dtype":"U8","shape":[2],"data_offsets":[)", b, ",", b + 2,
                                           R"(]},"c":{"dtype":"F64","shape":[0],"data_offsets":[)", c, ",", c, "]}}"),
                        data_size));
                }
            }
        }
    }
    m.end(750, 6);  // both orders of a and b, times three boundaries for the empty one

    m.begin("members in another tensor's place");
    // The type, shape and offsets of each tensor replaced by those of any.
    constexpr std::string_view types[] = {"F64", "F32", "U8"}, shapes[] = {"[2,3]", "[4]", "[]"},
                               offsets[] = {"[0,48]", "[48,64]", "[64,65]"};
    for (int which = 0; which < 27 * 27 * 27; ++which) {
        std::string text = "{";
        int digits = which;
        for (const char name : {'a', 'b', 'c'}) {
            const auto digit = [&] { return static_cast<std::size_t>(std::exchange(digits, digits / 3) % 3); };
            const std::size_t type = digit(), shape = digit(), place = digit();
            text += ddpm::detail::text("\"", name, R"(":{"dtype":")", types[type], R"(","shape":)", shapes[shape],
                                       R"(,"data_offsets":)", offsets[place], "},");
        }
        text.back() = '}';
        m.add(file_of(text, 65));
    }
    m.end(27 * 27 * 27, 6);  // the tensors whole, in any order

    m.begin("unknown types");
    for (const std::string_view type : {"", "f64", "F65", "F640", "F6", "I65", "FLOAT", "F64 ", "\\u0046640", "BF17"}) {
        std::string text(three_tensors);
        m.add(file_of(text.replace(text.find("F64"), 3, type), 65));
    }
    m.end(10, 0);

    m.begin("tensors and members that come twice or not");
    constexpr std::string_view members[] = {R"("dtype":"U8")", R"("shape":[1])", R"("data_offsets":[0,1])",
                                            R"("x":{"y":1,"y":1})"};
    for (int chosen = 0; chosen < 81; ++chosen) {  // each of the four not at all, once or twice
        std::string text;
        int digits = chosen;
        for (const std::string_view member : members) {
            for (int times = std::exchange(digits, digits / 3) % 3; times > 0; --times) {
                text.append(text.empty() ? "" : ",").append(member);
            }
        }
        m.add(file_of(ddpm::detail::text(R"({"a":{)", text, "}}"), 1));
    }
    for (const std::string_view second : {"a", "\\u0061", "b"}) {
        for (const std::string_view place : {"[0,1]", "[1,2]"}) {
            m.add(file_of(ddpm::detail::text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},")", second,
                                             R"(":{"dtype":"U8","shape":[1],"data_offsets":)", place, "}}"),
                          2));
        }
    }
    m.end(81 + 6, 2);
}

void add_texts(matrix& m) {
    m.begin("nesting of 100,000 levels, and very long texts");
    constexpr std::size_t deep = 100'000;
    const auto repeated = [](std::string_view part) {
        std::string text;
        for (std::size_t i = 0; i < deep; ++i) {
            text.append(part);
        }
        return text;
    };
    const std::string_view tensor = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1])";
    for (const std::string_view open : {"[", "{", R"({"a":)", "[{\"a\":", "\"", "\\", "-", "1", " ", "\xef\xbb\xbf"}) {
        const std::string many = repeated(open);
        m.add(file_of(many, 1));
        m.add(file_of(ddpm::detail::text(tensor, R"(,"x":)", many, "}}"), 1));
        m.add(file_of(ddpm::detail::text(R"({"__metadata__":{"k":)", many, "}}"), 1));
        m.add(file_of(ddpm::detail::text(R"({"a":{"dtype":"U8","shape":[)", many, R"(],"data_offsets":[0,1]}})"), 1));
        m.add(file_of(ddpm::detail::text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[)", many, "]}}"), 1));
    }
    m.add(file_of(ddpm::detail::text(tensor, R"(,"x":)", repeated("["), repeated("]"), "}}"), 1));
    m.add(file_of(ddpm::detail::text(tensor, R"(,"x":)", repeated(R"({"a":)"), "1", repeated("}"), "}}"), 1));
    m.add(file_of(ddpm::detail::text(R"({"a":{"dtype":"U8","shape":[1)", repeated(",1"), R"(],"data_offsets":[0,1]}})"),
                  1));
    m.add(
        file_of(ddpm::detail::text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1)", repeated(",1"), "]}}"), 1));
    m.add(file_of(ddpm::detail::text(R"({")", repeated("n"), R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"),
                  1));
    m.add(file_of(ddpm::detail::text(R"({"__metadata__":{"k":")", repeated("v"), "\"}}"), 0));
    std::string keys;
    for (std::size_t i = 0; i < deep; ++i) {
        keys += ddpm::detail::text("\"", i * 7919 % deep, "\":0,");  // each number once, in no order
    }
    m.add(file_of(ddpm::detail::text(tensor, R"(,"x":{)", keys, R"("z":0}}})"), 1));
    m.add(file_of(ddpm::detail::text(tensor, R"(,"x":{)", keys, R"("5":0}}})"), 1));
    // One text of metadata of 100,000 bytes, a scalar's shape of as much white space, and 100,000 unknown members.
    m.end(10 * 5 + 8, 3);
}

TEST_CASE("a spoilt safetensors file is an io_error, or exactly the data, in little memory", "[io]") {
    matrix m;
    add_lengths(m);
    add_bytes(m);
    add_numbers(m);
    add_tensors(m);
    add_texts(m);
    std::cout << "safetensors: " << m.all() << " cases in all" << std::endl;
    CHECK(m.all() > 150'000);
}

}  // namespace
}  // namespace ddpm::test
