/*
 * The operations of channel_ask(): names, arguments, answers. A peer is {id,phone,lid,name}, texts
 * "" when not known; times are milliseconds. Private to bridge/.
 *
 *   contacts_list   {cursor,limit}            {items:[{…peer,saved:bool,business:bool,blocked:bool,
 *                                              push_name}],next}      everybody the page knows
 *   contact_check   {phones:[digits…]} ≤ 20   {items:[{phone,exists,chat:peer|null,business}]}
 *   contact_about   {id}                      {about,business:{description,category,email,website,
 *                                              address}|null}
 *   picture         {id}                      {url,tag}  url "" when there is none or it is hidden
 *   picture_fetch   {id,full:bool}            {data}  base64, at most 384 KiB of file
 *   block           {id,blocked}              {}
 *   chat_set        {chat,pinned?,archived?,muted_until_ms?,unread?}   {}
 *   groups_list     {cursor,limit}            {items:[{…peer,size,owner:peer,created_ms,
 *                                              description,announce:bool,locked:bool,admin:bool}],
 *                                              next}
 *   group           {id}                      {group as above,participants:[{…peer,admin:bool,
 *                                              super:bool}]}
 *   group_create    {name,participants:[id…]} {group:peer,failed:[{id,code}]}
 *   group_set       {id,name?,description?,announce?,locked?}          {}
 *   group_people    {id,action:"add|remove|promote|demote",participants:[id…]}
 *                                             {results:[{id,ok,code}]}
 *   group_invite    {id,revoke:bool}          {link}
 *   group_leave     {id}                      {}
 */
#ifndef BRIDGE_CHANNEL_OPS_H
#define BRIDGE_CHANNEL_OPS_H

#define CHANNEL_CHECK_MAX 20

#endif
