// Where messages are written. session: its name; chat: id of the chat (openChat.value is all of it);
// replyTo: the message that is answered, or null.
export const Composer = () => null;
