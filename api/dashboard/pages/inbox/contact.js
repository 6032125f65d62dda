// The panel about the person or group of the open chat. session, chat: as for the composer.
export const ContactPanel = () => null;
