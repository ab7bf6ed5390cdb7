# What the library declares for its users has a docstring: lines `///` right before it, or for what stands on one line
# `///<` behind it. Checked are the concepts, structs, classes, enums, functions and constructors of include/ddpm outside
# of folders detail, namespaces detail and private sections, and the data members of structs whose names end in "options".
# None is needed by
# - what is defaulted or deleted; constructors and assignments that copy or move; destructors; == and !=; `visit`;
# - a plain accessor: a function on one line, without parameters, const noexcept, that returns one expression;
# - an overload directly after a function of the same name that has one;
# - a declaration whose definition in the same header has one, and the definition of what is declared in a class;
# - declarations of types that are defined elsewhere, specializations, deduction guides, friends.
# Lines are read as clang-format lays them out. Takes `source`, the project's folder.
cmake_minimum_required(VERSION 3.25)

set(checked 0)

# Sets `kind` of `declaration`: concept, type, function, member (of a class, defined outside of it) or other; its `name`;
# and whether it is `exempt`. `class` is the name of what it is in.
macro(classify)
    set(kind other)
    set(name "")
    set(exempt FALSE)
    if(declaration MATCHES "^(using|friend|static_assert|typedef|extern)[ (]")
        set(exempt TRUE)
    elseif(declaration MATCHES "^concept ([A-Za-z_0-9]+)")
        set(kind concept)
        set(name "${CMAKE_MATCH_1}")
    elseif(declaration MATCHES "^(struct|class|enum class|enum) ([a-z_0-9]+)([^a-z_0-9].*)$")
        set(kind type)
        set(name "${CMAKE_MATCH_2}")
        if(CMAKE_MATCH_3 MATCHES "^(`$|<| : [a-z_:0-9]+`$)")
            set(exempt TRUE)  # declared only, or a specialization
        endif()
    else()
        string(REGEX REPLACE "(explicit|alignas)[(][^)]*[)] " "" signature "${declaration}")
        string(REGEX REPLACE "operator[(][)]" "operator_call" signature "${signature}")
        string(REGEX REPLACE "operator[^a-z_ (]+[(]" "operator_symbol(" signature "${signature}")
        if(signature MATCHES "^([^=({]*[ *&>:])?([~a-z_0-9]+)[(](.*)$")
            set(kind function)
            set(name "${CMAKE_MATCH_2}")
            set(before "${CMAKE_MATCH_1}")
            set(behind "${CMAKE_MATCH_3}")
            if(before MATCHES "::$")
                set(kind member)
            elseif(name MATCHES "^(~.*|visit)$" OR declaration MATCHES "operator[=!]?=[(]" OR
                   behind MATCHES "[)].* = (default|delete)`$" OR
                   (name STREQUAL "${class}" AND behind MATCHES "^(const )?${class}(<[^()]*>)?&&?( [a-z_]+)?[)]") OR
                   behind MATCHES "^[)] const noexcept { return [^`]+` }$" OR
                   (behind MATCHES "[)] -> [a-z_]+<.*>`$" AND NOT before MATCHES "auto $"))
                set(exempt TRUE)
            endif()
        endif()
    endif()
endmacro()

# Reports what has no docstring in a header. Lists cannot hold ; [ ] and \: the lines have ` < > and @ in their place.
function(check_header header)
    file(READ "${source}/include/ddpm/${header}" text)
    string(REPLACE "[[nodiscard]] " "" text "${text}")
    string(REPLACE ";" "`" text "${text}")
    string(REPLACE "[" "<" text "${text}")
    string(REPLACE "]" ">" text "${text}")
    string(REPLACE "\\" "@" text "${text}")
    string(REPLACE "\n" ";" lines "${text}")

    set(number 0)
    set(until "")         # what the last line of that matches which is passed over now: a body, a private section
    set(private FALSE)    # whether it is a private section, whose last line must be looked at too
    set(classes "")       # the names of the classes that are open, the innermost last
    set(class "")         # the innermost
    set(outer "")         # its indentation
    set(indent "")        # the indentation of its members
    set(documented FALSE)
    set(in_template FALSE)
    set(head "")          # the declaration up to this line
    set(last "")          # the name of the declaration before, if it has a docstring
    set(missing "")       # "line:name:declaration" of what has none
    set(defined "")       # the names of functions whose definition has one
    foreach(line IN LISTS lines)
        math(EXPR number "${number} + 1")
        if(until)
            if(NOT line MATCHES "${until}")
                continue()
            endif()
            set(until "")
            if(NOT private)
                continue()
            endif()
            set(private FALSE)
        endif()
        if(line STREQUAL "")
            set(documented FALSE)
            continue()
        elseif(line MATCHES "^ *//|^#")
            if(line MATCHES "^ *///")
                set(documented TRUE)
            elseif(line MATCHES "^#.*@$")
                set(until "[^@]$|^$")  # a macro of several lines
            endif()
            continue()
        elseif(classes AND line MATCHES "^${outer}(}|public:|private:|protected:)")
            if(CMAKE_MATCH_1 STREQUAL "}")
                list(POP_BACK classes)
                set(class "")
                if(classes)
                    list(GET classes -1 class)
                endif()
                set(indent "${outer}")
                string(REGEX REPLACE "^    " "" outer "${outer}")
            elseif(NOT CMAKE_MATCH_1 STREQUAL "public:")
                set(until "^${outer}(}|public:)")
                set(private TRUE)
            endif()
            set(last "")
            set(documented FALSE)
            continue()
        elseif(line MATCHES "^}")
            continue()  # of a namespace
        elseif(line MATCHES "^namespace ([a-z_0-9:]+) {$")
            set(name "${CMAKE_MATCH_1}")
            if(name MATCHES "(^|:)detail(:|$)")
                set(until "^}  // namespace ${name}$")
            endif()
            set(documented FALSE)
            continue()
        endif()

        # `template <…>` and what it requires stand on lines of their own.
        if(head STREQUAL "")
            if(line MATCHES "^${indent}template <")
                set(in_template TRUE)
                continue()
            elseif(in_template AND line MATCHES "^${indent} ")
                continue()
            endif()
            set(in_template FALSE)
            set(at ${number})
        endif()
        if(line MATCHES " ///<")
            set(documented TRUE)
        endif()
        string(REGEX REPLACE " +//.*$" "" line "${line}")
        string(REGEX REPLACE "^ +" " " words "${line}")
        string(APPEND head "${words}")
        if(NOT line MATCHES "[{}`]$" AND NOT head MATCHES "^ ?[A-Z_]+[(].*[)]$")
            continue()
        endif()
        string(STRIP "${head}" declaration)
        set(head "")
        classify()

        set(last_name "${last}")
        set(last "")
        if(kind MATCHES "concept|type|function" OR (class MATCHES "options$" AND NOT exempt))
            math(EXPR checked "${checked} + 1")
            if(documented OR (kind STREQUAL "function" AND name STREQUAL last_name))
                set(last "${name}")
            elseif(NOT exempt)
                list(APPEND missing "${at}:${name}:${declaration}")
            endif()
        endif()
        if(documented AND line MATCHES "{$" AND kind MATCHES "function|member")
            list(APPEND defined "${name}")
        endif()
        set(documented FALSE)

        if(line MATCHES "{$")
            if(kind STREQUAL "type" AND NOT declaration MATCHES "^enum")
                list(APPEND classes "${name}")
                set(class "${name}")
                set(outer "${indent}")
                string(APPEND indent "    ")
                if(declaration MATCHES "^class")
                    set(until "^${outer}(}|public:)")
                    set(private TRUE)
                endif()
            elseif(kind MATCHES "type|function|member" OR declaration MATCHES "^friend ")
                set(until "^${indent}}|^ *}[)]+ {}$")  # the second if it was a lambda in a constructor's list
            else()
                set(until "^ *}.*`$")
            endif()
        endif()
    endforeach()
    foreach(each IN LISTS missing)
        string(REGEX MATCH "^([0-9]+):([^:]*):(.*)$" each "${each}")
        set(at "${CMAKE_MATCH_1}")
        set(name "${CMAKE_MATCH_2}")
        set(declaration "${CMAKE_MATCH_3}")
        if(name STREQUAL "" OR NOT (declaration MATCHES "`$" AND name IN_LIST defined))
            string(REPLACE "`" ";" declaration "${declaration}")
            message(SEND_ERROR "include/ddpm/${header}:${at}: no docstring: ${declaration}")
        endif()
    endforeach()
    set(checked ${checked} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE headers RELATIVE "${source}/include/ddpm" "${source}/include/ddpm/*.hpp")
list(FILTER headers EXCLUDE REGEX "/detail/")
foreach(header IN LISTS headers)
    check_header("${header}")
endforeach()
if(checked LESS 1400)
    message(FATAL_ERROR "only ${checked} declarations were found")
endif()
message("${checked} declarations")
