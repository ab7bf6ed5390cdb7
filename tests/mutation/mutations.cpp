// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "mutations.hpp"

#include "support/catch.hpp"

#include <set>
#include <string>
#include <vector>

namespace ddpm::mutation {

std::set<std::string> all_changed(const std::string& text) {
    std::set<std::string> out;
    for (const change& c : changes_of(text)) {
        out.insert(changed(text, c));
    }
    return out;
}

TEST_CASE("mutations change operators between spaces, and signs", "[mutation]") {
    CHECK(all_changed("return a + b;") == std::set<std::string>{"return a - b;"});
    CHECK(all_changed("return a < b && c == d;") ==
          std::set<std::string>{"return a <= b && c == d;", "return a >= b && c == d;", "return a < b || c == d;",
                                "return a < b && c != d;"});
    CHECK(all_changed("return -a * !b;") ==
          std::set<std::string>{"return a * !b;", "return -a / !b;", "return -a * b;"});
    CHECK(all_changed("S* f(S&& a, const T& b);").empty());
    CHECK(all_changed("bool operator< (const T& b);").empty());
}

TEST_CASE("mutations change constants", "[mutation]") {
    CHECK(all_changed("return 0;") == std::set<std::string>{"return 1;"});
    CHECK(all_changed("return 1;") == std::set<std::string>{"return 0;", "return 2;"});
    CHECK(all_changed("return 10'000;") == std::set<std::string>{"return (10'000 + 1);"});
    CHECK(all_changed("return 0x1Eu;") == std::set<std::string>{"return (0x1Eu + 1);"});
    CHECK(all_changed("return 1e-8;") == std::set<std::string>{"return (2 * 1e-8);"});
    CHECK(all_changed("return 0.0;") == std::set<std::string>{"return (0.0 + 1);"});
    CHECK(all_changed("return true;") == std::set<std::string>{"return false;"});
}

TEST_CASE("mutations negate conditions unless a change of an operator does", "[mutation]") {
    CHECK(all_changed("if (f(a)) {") == std::set<std::string>{"if (!(f(a))) {"});
    CHECK(all_changed("while (isize n = f(); ready(n)) {") ==
          std::set<std::string>{"while (isize n = f(); !(ready(n))) {"});
    CHECK(all_changed("if (a == b) {") == std::set<std::string>{"if (a != b) {"});
    CHECK(all_changed("if (!a) {") == std::set<std::string>{"if (a) {"});
}

TEST_CASE("mutations remove assignments, increments and calls, but no declarations", "[mutation]") {
    CHECK(all_changed("{ sum += x; }") == std::set<std::string>{"{ sum -= x; }", "{ ; }"});
    CHECK(all_changed("{ *out = f ? a : b; }") == std::set<std::string>{"{ ; }"});
    CHECK(all_changed("{ ++n; }") == std::set<std::string>{"{ ; }"});
    CHECK(all_changed("{ a.b->fill<S>(x[i], [&](S y) { return y; }); }") == std::set<std::string>{"{ ; }"});
    CHECK(all_changed("{ const S a = b; std::vector<S> c; S& d = e; auto [f, g] = h(); struct i j; }").empty());
    CHECK(all_changed("{ return f(a); }").empty());
}

TEST_CASE("mutations leave memory that is reserved ahead alone", "[mutation]") {
    CHECK(all_changed("{ a.b.reserve(c.size() + 1); }").empty());
    CHECK(all_changed("{ ++n; a->reserve(2); }") == std::set<std::string>{"{ ; a->reserve(2); }"});
}

TEST_CASE("mutations leave comments, texts, template lists, constraints, assertions and messages alone", "[mutation]") {
    CHECK(all_changed("#include <a + b>\n// a + b\n/* a + b */ \"a + b\" 'a'").empty());
    CHECK(all_changed("template <class S, int N = 1 + 2>\nstd::array<S, 3> f(g<N + 1> x);").empty());
    CHECK(all_changed("template <class S>\nconcept C = sizeof(S) == 4 && D<S>;").empty());
    CHECK(all_changed("requires(A<S> && B<S>)\nS f();").empty());
    CHECK(all_changed("{ static_assert(a == 1); DDPM_ASSERT(a == 1); throw error(a + 1); }").empty());
    CHECK(all_changed("{ y = require(a < b, \"f\", {\"> \", a + 1}, {b}); }") ==
          std::set<std::string>{"{ y = require(a <= b, \"f\", {\"> \", a + 1}, {b}); }",
                                "{ y = require(a >= b, \"f\", {\"> \", a + 1}, {b}); }", "{ ; }"});
}

}  // namespace ddpm::mutation
