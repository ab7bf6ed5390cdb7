# What the library declares for its users has a docstring: lines `///` right before it, or for what stands on one line
# `///<` behind it. Checked are the concepts, structs, classes, enums, functions and constructors of include/ddpm outside
# of folders detail, namespaces detail and private sections, and the data members of structs whose names end in "options".
# None is needed by
# - what is defaulted or deleted; constructors and assignments that copy or move; destructors; == and !=; `visit`;
# - a plain accessor: a function on one line, without parameters, const noexcept, that returns one expression;
# - an overload directly after a function of the same name that has one;
# - a declaration whose definition in the same header has one, and the definition of what is declared in a class;
# - declarations of types that are defined elsewhere, specializations, deduction guides, friends.
# The docstring of a function that takes or returns a batch has a line `@shape`, or says which other one it is as. In `accurate_rooms`
# it has a line `@accuracy` too, or that of its class has one, and each header has a line `@accuracy` somewhere.
# Lines are read as clang-format lays them out. Takes `source`, the project's folder.
cmake_minimum_required(VERSION 3.25)

set(checked 0)
set(with_batches 0)  # functions that take or return a batch

# The rooms whose docstrings state the accuracy of what they compute. To add a room, add its lines, then its name here.
set(accurate_rooms diffusers grid io metrics nn random sampler)

# Headers of these rooms that need no line `@accuracy`:
set(no_accuracy
    # numbers and texts of configs, without arithmetic
    diffusers/config_limits.hpp diffusers/pipeline.hpp diffusers/scheduler_classes.hpp diffusers/scheduler_config.hpp
    diffusers/scheduler_departures.hpp diffusers/scheduler_values.hpp diffusers/unet_config.hpp nn/networks/unet_options.hpp
    # bytes of files
    io/atomic_file.hpp io/dtype.hpp io/safetensors.hpp io/safetensors_header.hpp io/write_png.hpp io/write_safetensors.hpp
    # memory, counts, times and names
    nn/inference/layer_profile.hpp nn/memory/arena.hpp nn/memory/feature_map.hpp nn/memory/tensor.hpp
    nn/memory/workspace.hpp nn/networks/unet_activations.hpp nn/networks/unet_size.hpp nn/parameters.hpp
    nn/products.hpp  # an interface; bfloat16_products.hpp has the bound
    grid/space_timesteps.hpp grid/timesteps.hpp  # whole numbers
    metrics/pair_estimate.hpp  # a choice
    # what others compute
    sampler/by_name.hpp sampler/plan.hpp
)

# How a docstring says that all else is as that of another function, or that the function only serves an error.
set(as_another "/// (As above|The same|The overloads above|@copydoc|Refuses )")

# Sets `has_batch`: whether a function of this template's head, returned type and parameters takes a batch, a view of one or
# a map, or returns a batch. Not so are views that are made of others, which are noexcept.
macro(find_batches template_head returned parameters)
    set(has_batch FALSE)
    string(REPLACE "= {}" "" before_body "${parameters}")
    string(REGEX REPLACE " {.*$" "" before_body "${before_body}")
    set(types "(^|[(<: ])(batch|batch_view|feature_map|matrix_ref|network_input|noised_batch|normalized_map)<")
    if("${template_head}" MATCHES "BatchLike ([A-Z][A-Za-z0-9]*)")
        set(types "${types}|const ${CMAKE_MATCH_1}&")
    endif()
    if(NOT before_body MATCHES "[)] (const )?noexcept" AND before_body MATCHES "${types}")
        set(has_batch TRUE)
    elseif("${returned}" MATCHES "(^| )(batch|gaussian_moments|adaptive_result)<")
        set(has_batch TRUE)
    endif()
endmacro()

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
    string(REGEX MATCH "^[a-z_]+" room "${header}")
    set(states_accuracy FALSE)
    if(room IN_LIST accurate_rooms AND NOT header IN_LIST no_accuracy)
        set(states_accuracy TRUE)
    endif()
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
    set(docstring "")     # its text
    set(class_accuracies "")  # for each open class whether its docstring has `@accuracy`
    set(in_template FALSE)
    set(template_head "")
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
                if(NOT documented)
                    set(docstring "")
                endif()
                set(documented TRUE)
                string(APPEND docstring "${line} ")
            elseif(line MATCHES "^#.*@$")
                set(until "[^@]$|^$")  # a macro of several lines
            endif()
            continue()
        elseif(classes AND line MATCHES "^${outer}(}|public:|private:|protected:)")
            if(CMAKE_MATCH_1 STREQUAL "}")
                list(POP_BACK classes)
                list(POP_BACK class_accuracies)
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
                set(template_head "${line}")
                continue()
            elseif(in_template AND line MATCHES "^${indent} ")
                string(APPEND template_head "${line}")
                continue()
            elseif(NOT in_template)
                set(template_head "")
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
        if(documented AND kind STREQUAL "function" AND NOT exempt)
            find_batches("${template_head}" "${before}" "${behind}")
            if(has_batch)
                math(EXPR with_batches "${with_batches} + 1")
                if(NOT docstring MATCHES "@shape|${as_another}|Shapes[ ,].* as ")
                    message(SEND_ERROR "include/ddpm/${header}:${at}: no @shape: ${name}")
                endif()
                if(states_accuracy AND NOT TRUE IN_LIST class_accuracies AND
                   NOT docstring MATCHES "@accuracy|${as_another}|[Aa]ccuracy.* as ")
                    message(SEND_ERROR "include/ddpm/${header}:${at}: no @accuracy: ${name}")
                endif()
            endif()
        endif()
        if(documented AND line MATCHES "{$" AND kind MATCHES "function|member")
            list(APPEND defined "${name}")
        endif()
        set(documented_here ${documented})
        set(documented FALSE)

        if(line MATCHES "{$")
            if(kind STREQUAL "type" AND NOT declaration MATCHES "^enum")
                list(APPEND classes "${name}")
                if(documented_here AND docstring MATCHES "@accuracy")
                    list(APPEND class_accuracies TRUE)
                else()
                    list(APPEND class_accuracies FALSE)
                endif()
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
    if(states_accuracy AND NOT text MATCHES "/// @accuracy")
        message(SEND_ERROR "include/ddpm/${header}: no @accuracy; if it computes no numbers, add it to no_accuracy")
    elseif(header IN_LIST no_accuracy AND text MATCHES "/// @accuracy")
        message(SEND_ERROR "include/ddpm/${header}: has @accuracy, and is listed in no_accuracy")
    endif()
    set(checked ${checked} PARENT_SCOPE)
    set(with_batches ${with_batches} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE headers RELATIVE "${source}/include/ddpm" "${source}/include/ddpm/*.hpp")
list(FILTER headers EXCLUDE REGEX "/detail/")
foreach(header IN LISTS headers)
    check_header("${header}")
endforeach()
if(checked LESS 1400 OR with_batches LESS 100)
    message(FATAL_ERROR "only ${checked} declarations, ${with_batches} functions that take batches were found")
endif()
foreach(header IN LISTS no_accuracy)
    if(NOT header IN_LIST headers)
        message(SEND_ERROR "${header} is listed in no_accuracy, and does not exist")
    endif()
endforeach()
message("${checked} declarations, ${with_batches} functions that take batches")
