/*
 * What JSON Schemas are built of: the types of a member, objects, lists. Private to api/.
 */
#ifndef API_SCHEMAS_SHAPES_H
#define API_SCHEMAS_SHAPES_H

#define NAME "{\"type\":\"string\",\"pattern\":\"^[a-z0-9][a-z0-9_-]{0,62}$\"}"
#define TEXT "{\"type\":\"string\"}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define NUMBER "{\"type\":\"number\"}"
#define NUM_OR_NULL "{\"type\":[\"number\",\"null\"]}"
#define INT "{\"type\":\"integer\"}"
#define INT_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define BOOL "{\"type\":\"boolean\"}"
#define ANY "{\"type\":\"object\"}"
#define TEXTS "{\"type\":\"array\",\"items\":" TEXT "}"
#define ANY_OR_NULL "{\"type\":[\"object\",\"null\"]}"
#define LIST(items) "{\"type\":\"array\",\"items\":" items "}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define OBJECT(required, properties)                                                               \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define LIST_OF(name)                                                                              \
    OBJECT("\"items\",\"next_cursor\"",                                                            \
           "\"items\":{\"type\":\"array\",\"items\":" REF(name) "},\"next_cursor\":" TEXT_OR_NULL)

#endif
